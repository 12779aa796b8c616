//! Outages of the provider.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;

use crate::refusal::Refusal;

/// How every request fails during an outage, for [`Simulator::fail_with`](crate::Simulator::fail_with).
///
/// ```
/// use athm_simulator::{Outage, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// simulator.fail_with(Outage::Unavailable);
/// # Ok(()) }
/// ```
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
    pub(crate) fn answer(self) -> HttpResponse {
        match self {
            Self::Unavailable => HttpResponse::ServiceUnavailable().finish(),
            Self::BadGatewayPage => HttpResponse::BadGateway().content_type(ContentType::html()).body(
                "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
            ),
            Self::InternalError => Refusal::internal().answer(),
        }
    }
}
