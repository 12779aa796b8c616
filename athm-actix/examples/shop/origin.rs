//! Who may change anything: the shop's own pages, and programs, which send no Origin.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

/// Refuses what a page of another site has the visitor's browser post.
///
/// It guards only the shop's own forms. athm's callback needs no such check: it verifies every message.
pub(crate) async fn same_origin(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !request.method().is_safe() && is_foreign(request.headers()) {
        let answer = HttpResponse::Forbidden().body("a page of another site may not do this (Origin and Host differ)");
        return Ok(request.into_response(answer).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).map(|host| host.as_bytes());
    headers.get_all(ORIGIN).any(|origin| {
        let origin = origin.as_bytes();
        let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        authority.is_none() || authority != host
    })
}
