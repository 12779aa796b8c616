//! Access control: programs and pages of this machine are served, pages of another site are refused.

use std::net::Ipv4Addr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};

use crate::json;
use crate::request::RequestNumber;
use crate::shared::Shared;

/// Wraps every route: refuses requests from elsewhere, and logs each request with the status of its answer.
pub(crate) async fn control_access(
    shared: web::Data<Shared>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let method = request.method().clone();
    // Logged before the answer, because some requests are never answered.
    let number = shared.log().record(method.as_str(), request.path());
    request.extensions_mut().insert(RequestNumber(number));
    let answer = match refusal(&method, request.headers()) {
        Some(answer) => Ok(request.into_response(answer)),
        None => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
    };
    let status = match &answer {
        Ok(answer) => answer.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if let Some(request) = shared.log().request_mut(number) {
        request.status = Some(status.as_u16());
    }
    answer
}

fn refusal(method: &Method, headers: &HeaderMap) -> Option<HttpResponse> {
    let hosts = texts(headers, HOST);
    // DNS rebinding: a foreign name that resolves to loopback would make that site's pages same-origin.
    let [host] = hosts.as_slice() else {
        return Some(forbidden("the request must name one Host, such as 127.0.0.1"));
    };
    if !is_loopback(host) {
        return Some(forbidden("the Host of the request must be localhost, 127.0.0.1 or [::1]"));
    }
    // CORS decides what other origins may read. They may change nothing.
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    if !reads && texts(headers, ORIGIN).iter().any(|origin| !is_same_origin(origin, host)) {
        return Some(forbidden("a page of another origin may not do this (Origin and Host differ)"));
    }
    None
}

fn forbidden(why: &str) -> HttpResponse {
    json::error(StatusCode::FORBIDDEN, why)
}

/// A header's values; one that isn't ASCII text becomes empty, which matches nothing below.
fn texts(headers: &HeaderMap, name: HeaderName) -> Vec<&str> {
    headers.get_all(name).map(|value| value.to_str().unwrap_or_default()).collect()
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

fn is_same_origin(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in
            ["localhost", "LOCALHOST:9001", "127.0.0.1", "127.0.0.1:9001", "127.8.9.10:1", "[::1]", "[::1]:9001"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "shop.example",
            "shop.example:9001",
            "localhost.shop.example",
            "127.0.0.1.shop.example",
            "127.0.0.1@shop.example",
            "127.1",
            "0.0.0.0",
            "10.0.0.1:9001",
            "[::]",
            "::1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_the_same_only_with_the_same_host_and_port() {
        assert!(is_same_origin("http://127.0.0.1:9001", "127.0.0.1:9001"));
        assert!(is_same_origin("http://Localhost:9001", "localhost:9001"));
        for origin in
            ["http://127.0.0.1:9002", "http://localhost:9001", "http://shop.example", "null", "", "127.0.0.1:9001"]
        {
            assert!(!is_same_origin(origin, "127.0.0.1:9001"), "{origin}");
        }
    }
}
