//! What can go wrong with a call.

use crate::transaction::InvalidPayment;
use crate::{EcommerceId, FieldError, ParseError};

/// Why a call to the provider gave no answer to its question.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The request breaks the provider's rules; nothing was sent.
    #[error(transparent)]
    Invalid(#[from] InvalidPayment),
    /// No answer came: no connection, or a timeout.
    #[error("the provider gave no answer")]
    Unreachable(#[source] reqwest::Error),
    /// The answer is no JSON, or too long: an error page of something in between, usually.
    #[error("the provider answered HTTP {status} without readable JSON")]
    NoJson {
        /// The HTTP status.
        status: u16,
    },
    /// The provider refused, in its own envelope.
    #[error("the provider refused with {code} (HTTP {status}): {message}")]
    Rejected {
        /// The provider's code, such as `BTRA_0031`, or a legacy one such as `5010`; empty when it gave none.
        code: String,
        /// The provider's own words.
        message: String,
        /// The HTTP status, 200 included.
        status: u16,
    },
    /// The answer lacks what an answer must have.
    #[error("the provider's answer can't be read")]
    Unreadable(#[source] ParseError),
    /// Nothing matches the search.
    #[error("the provider knows no such payment")]
    NotFound,
    /// The answer is about another payment than asked for.
    #[error("asked for the payment {asked}, the provider answered with another")]
    OtherPayment {
        /// The payment that was asked for.
        asked: EcommerceId,
    },
    /// The answer is about another business's payment.
    #[error("the payment belongs to another business than the configured one")]
    OtherBusiness,
}

impl ProviderError {
    /// Codes that say that there is no such payment (athmovil-javascript-api, error codes).
    const NOT_FOUND: [&str; 6] = ["BTRA_0007", "BTRA_0014", "BTRA_0031", "BTRA_0053", "5010", "5020"];
    /// Codes that say that something failed on their side, effect unknown.
    const THEIRS: [&str; 5] = ["BTRA_0005", "BTRA_0015", "BTRA_0016", "BTRA_9998", "BTRA_9999"];
    /// The code that says that the customer hasn't approved, or that somebody else has authorized already.
    const NOT_CONFIRMED: &str = "BTRA_0032";

    /// Whether the provider says that it has no such payment of ours.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound | Self::OtherBusiness => true,
            Self::Rejected { code, .. } => Self::NOT_FOUND.contains(&code.as_str()),
            _ => false,
        }
    }

    /// Whether the call may have had its effect all the same: read the payment before doing anything again.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_connect(),
            Self::NoJson { .. } | Self::Unreadable(_) | Self::OtherPayment { .. } => true,
            Self::Rejected { code, status, .. } => Self::THEIRS.contains(&code.as_str()) || *status >= 500,
            Self::Invalid(_) | Self::NotFound | Self::OtherBusiness => false,
        }
    }

    /// Whether the payment wasn't in the state CONFIRM, as it isn't either when it has just been authorized.
    pub(crate) fn is_not_confirmed(&self) -> bool {
        matches!(self, Self::Rejected { code, .. } if code == Self::NOT_CONFIRMED)
    }
}

impl From<FieldError> for ProviderError {
    fn from(error: FieldError) -> Self {
        Self::Unreadable(error.into())
    }
}

impl From<ParseError> for ProviderError {
    fn from(error: ParseError) -> Self {
        Self::Unreadable(error)
    }
}
