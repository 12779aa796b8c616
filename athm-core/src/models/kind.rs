//! The sort of payment.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The kind of a payment, or of the event that a message reports (the provider's `transactionType`).
///
/// Displayed and parsed in athm's own words (`"ecommerce"`).
///
/// ```
/// use athm_core::TransactionKind;
///
/// assert_eq!("donation".parse(), Ok(TransactionKind::Donation));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransactionKind {
    /// A checkout on a web site.
    Ecommerce,
    /// A payment made in the app, without a checkout.
    Payment,
    /// A donation made in the app.
    Donation,
    /// Money given back.
    Refund,
    /// A test event of the provider's: never money.
    Simulated,
    /// A type that athm does not know, as the provider wrote it.
    Unknown(String),
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecommerce => f.pad("ecommerce"),
            Self::Payment => f.pad("payment"),
            Self::Donation => f.pad("donation"),
            Self::Refund => f.pad("refund"),
            Self::Simulated => f.pad("simulated"),
            Self::Unknown(word) => write!(f, "unknown:{word}"),
        }
    }
}

/// The reverse of `Display`. No text fails: a word that is none of ours is unknown.
impl FromStr for TransactionKind {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "ecommerce" => Self::Ecommerce,
            "payment" => Self::Payment,
            "donation" => Self::Donation,
            "refund" => Self::Refund,
            "simulated" => Self::Simulated,
            other => Self::Unknown(other.strip_prefix("unknown:").unwrap_or(other).to_owned()),
        })
    }
}
