//! The five signals.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a receiver listens to.
///
/// | signal | fires when a transaction |
/// |---|---|
/// | [`Received`](Signal::Received) | reaches any outcome: each of those below, an app payment or donation, a status that athm does not know |
/// | [`Completed`](Signal::Completed) | of a checkout becomes COMPLETED: the money has moved |
/// | [`Cancelled`](Signal::Cancelled) | is cancelled, by the customer or the merchant |
/// | [`Expired`](Signal::Expired) | was not approved in time |
/// | [`Refunded`](Signal::Refunded) | has been refunded, in part or in full |
///
/// ```
/// use athm_core::Signal;
///
/// assert_eq!(Signal::Completed.to_string(), "completed");
/// assert_eq!("expired".parse(), Ok(Signal::Expired));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// A transaction reached an outcome, whichever it is.
    Received,
    /// A checkout payment was completed: the money has moved.
    Completed,
    /// A payment was cancelled by the customer or the merchant.
    Cancelled,
    /// A payment was not approved in time (600 seconds by default).
    Expired,
    /// A payment was refunded, in part or in full.
    Refunded,
}

impl Signal {
    /// Every signal, in the order of the table above.
    pub const ALL: [Self; 5] = [Self::Received, Self::Completed, Self::Cancelled, Self::Expired, Self::Refunded];

    /// The signal's name, as written in `#[receiver(…)]`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(name: &str) -> Result<Self, UnknownSignal> {
        Self::ALL
            .into_iter()
            .find(|signal| signal.as_str() == name)
            .ok_or_else(|| UnknownSignal(crate::util::text::shortened(name)))
    }
}

/// The name of no signal.
///
/// ```
/// use athm_core::Signal;
///
/// assert!("paid".parse::<Signal>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected received, completed, cancelled, expired or refunded, found {0:?}")]
pub struct UnknownSignal(String);
