//! What arrives on the routes for messages is stored, however it is answered.
//!
//! [`Athm::receive`] stores what it takes in. Everything else is stored here, by what the answer says: a body that can't be
//! read, a route or a method that there isn't, a database that can't write, and what a callback of the program's own has
//! answered.

use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest};
use athm_core::messages::Envelope;
use athm_core::{Athm, Sender};

use crate::error::Error;

/// In a request's extensions: the body, once it was read.
pub(crate) struct Body(pub(crate) Bytes);

/// In a request's extensions: [`Athm::receive`] has taken it in.
pub(crate) struct Received;

/// Answers the request, and stores what came with it unless that was done.
pub(crate) async fn note<B: MessageBody + 'static>(
    athm: Athm,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let Some(route) = route(request.match_info().unprocessed()) else { return next.call(request).await };
    let response = next.call(request).await?;
    let (request, status) = (response.request(), response.status());
    let (body, is_received) = {
        let mut extensions = request.extensions_mut();
        (extensions.remove::<Body>(), extensions.contains::<Received>())
    };
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_received && (is_error || body.is_some()) {
        let reason = is_error.then(|| reason(&response));
        athm.messages().note(route, envelope(request, body.map(|body| body.0)), status.as_u16(), reason.as_deref());
    }
    Ok(response)
}

/// What a message came in. The address is the other end's of the connection: a header could say anything.
pub(crate) fn envelope(request: &HttpRequest, body: Option<Bytes>) -> Envelope {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut envelope = match (body, announced) {
        (Some(body), _) => Envelope::new(body),
        (None, Some(size)) => Envelope::default().announced(size),
        (None, None) => Envelope::default(),
    };
    if let Some(content_type) = request.headers().get(CONTENT_TYPE) {
        envelope = envelope.content_type(String::from_utf8_lossy(content_type.as_bytes()));
    }
    match remote_address(request) {
        Some(address) => envelope.remote_address(address),
        None => envelope,
    }
}

fn remote_address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip())
}

/// The route by the path within the scope. What follows it may be the webhook's secret.
fn route(path: &str) -> Option<Sender> {
    match path.trim_start_matches('/').split('/').next() {
        Some("callback") => Some(Sender::CALLBACK),
        Some("webhook") => Some(Sender::WEBHOOK),
        _ => None,
    }
}

/// Why it was answered with an error, without anything that the message contains.
fn reason<B>(response: &ServiceResponse<B>) -> String {
    let error = response.response().error();
    match error.and_then(|error| error.as_error::<Error>()) {
        Some(Error::Parse(error)) => error.without_contents(),
        Some(Error::Encoding { .. }) => String::from("expected a body without Content-Encoding"),
        Some(error) => error.to_string(),
        None => response.status().to_string(),
    }
}
