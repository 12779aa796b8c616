//! The state of a payment.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The state that a payment is in.
///
/// ```text
/// Open → Confirmed → Completed
///    └───────┴─────→ Cancelled | Expired
/// ```
///
/// Displayed and parsed in athm's own words (`"completed"`); what the provider writes is read in one place,
/// the callback parser.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Created, and not yet approved by the customer.
    Open,
    /// Approved by the customer, and **not paid**: money moves when the merchant authorizes it.
    Confirmed,
    /// Paid: the money has moved.
    Completed,
    /// Cancelled by the customer or the merchant. No money moved.
    Cancelled,
    /// Not approved in time. No money moved.
    Expired,
    /// A status that athm does not know, as the provider wrote it. Never taken for paid.
    Unknown(String),
}

impl Status {
    /// Whether the payment has ended: completed, cancelled or expired.
    ///
    /// ```
    /// use athm_core::Status;
    ///
    /// assert!(Status::Expired.is_final());
    /// assert!(!Status::Confirmed.is_final());
    /// ```
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Expired)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.pad("open"),
            Self::Confirmed => f.pad("confirmed"),
            Self::Completed => f.pad("completed"),
            Self::Cancelled => f.pad("cancelled"),
            Self::Expired => f.pad("expired"),
            Self::Unknown(word) => write!(f, "unknown:{word}"),
        }
    }
}

/// The reverse of `Display`. No text fails: a word that is none of ours is unknown.
impl FromStr for Status {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "open" => Self::Open,
            "confirmed" => Self::Confirmed,
            "completed" => Self::Completed,
            "cancelled" => Self::Cancelled,
            "expired" => Self::Expired,
            other => Self::Unknown(other.strip_prefix("unknown:").unwrap_or(other).to_owned()),
        })
    }
}
