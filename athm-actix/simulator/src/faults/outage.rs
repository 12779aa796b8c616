//! Outages of the provider.

use std::fmt;
use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;

use crate::error::SimulatorError;
use crate::refusal::Refusal;

/// How every request fails during an outage, for [`Simulator::fail_with`](crate::Simulator::fail_with).
///
/// ```
/// use athm_simulator::{Outage, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// simulator.fail_with(Outage::Unavailable);
/// assert_eq!("firewall".parse::<Outage>()?, Outage::FirewallPage);
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
    /// HTTP 401 with `BTRA_0401`, as for wrong tokens.
    Unauthorized,
    /// HTTP 403 with `BTRA_0403`, as for tokens without permission.
    Forbidden,
    /// HTTP 403 with the HTML page of a firewall.
    FirewallPage,
}

impl Outage {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unavailable,
        Self::BadGatewayPage,
        Self::InternalError,
        Self::Unauthorized,
        Self::Forbidden,
        Self::FirewallPage,
    ];

    pub(crate) fn answer(self) -> HttpResponse {
        match self {
            Self::Unavailable => HttpResponse::ServiceUnavailable().finish(),
            Self::BadGatewayPage => HttpResponse::BadGateway().content_type(ContentType::html()).body(
                "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
            ),
            Self::InternalError => Refusal::internal().answer(),
            Self::Unauthorized => Refusal::unauthorized().answer(),
            Self::Forbidden => Refusal::forbidden().answer(),
            Self::FirewallPage => HttpResponse::Forbidden().content_type(ContentType::html()).body(
                "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1>You don't have permission \
                 to access this server.</BODY></HTML>",
            ),
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "unavailable",
            Self::BadGatewayPage => "bad-gateway",
            Self::InternalError => "error",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::FirewallPage => "firewall",
        })
    }
}

impl FromStr for Outage {
    type Err = SimulatorError;

    fn from_str(text: &str) -> Result<Self, SimulatorError> {
        let outage = Self::ALL.into_iter().find(|outage| outage.to_string() == text.trim());
        outage.ok_or_else(|| SimulatorError::UnknownOutage {
            found: text.trim().to_owned(),
            known: Self::ALL.map(|outage| outage.to_string()).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_of_every_outage_parses() {
        for outage in Outage::ALL {
            assert_eq!(outage.to_string().parse::<Outage>().unwrap(), outage);
        }
        assert!("asleep".parse::<Outage>().unwrap_err().to_string().contains("asleep"));
    }
}
