//! The provider being out of order.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::ContentType;
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use super::shared::Shared;

/// How the provider's endpoints fail, see [`Simulator::fail_with`](super::Simulator::fail_with).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// HTTP 503 with an empty body.
    Unavailable,
    /// HTTP 502 with the HTML page of a proxy.
    BadGatewayPage,
    /// HTTP 500 with the provider's error envelope and `BTRA_9999`.
    InternalError,
}

impl Outage {
    fn answer(self) -> HttpResponse {
        match self {
            Self::Unavailable => HttpResponse::ServiceUnavailable().finish(),
            Self::BadGatewayPage => HttpResponse::BadGateway().content_type(ContentType::html()).body(
                "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
            ),
            Self::InternalError => super::endpoints::Refusal::internal().answer(),
        }
    }
}

/// Stands before every endpoint of the provider's.
pub(super) async fn outage(
    shared: web::Data<Shared>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match shared.outage() {
        Some(outage) => Ok(request.into_response(outage.answer())),
        None => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
    }
}
