//! What can go wrong with a call.

use jiff::Timestamp;

use super::customer_message::CustomerMessage;
use super::{ErrorCode, ErrorKind};
use crate::callback::{FieldError, ParseError};
use crate::models::{EcommerceId, InvalidPayment, InvalidRefund, Language};

/// Why a call to the provider gave no answer to its question.
///
/// ```
/// use athm_core::provider::{Language, ProviderError};
///
/// fn answer(error: &ProviderError) -> &'static str {
///     if error.is_retryable() { "Try again in a moment." } else { error.customer_message(Language::English) }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The request breaks the provider's rules; nothing was sent.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// No answer came: no connection, or a timeout.
    #[error("the provider gave no answer")]
    Unreachable(#[source] reqwest::Error),
    /// An answer began to come, and didn't end: it was cut off, or took too long.
    #[error("the provider's answer broke off")]
    BrokenOff(#[source] reqwest::Error),
    /// The answer is no JSON, or too long: an error page of something in between, usually.
    #[error("the provider answered HTTP {status} without readable JSON")]
    NoJson {
        /// The HTTP status.
        status: u16,
    },
    /// Something in front of the provider refused the request with a page of its own: a firewall, usually.
    #[error("a firewall in front of the provider answered HTTP 403: may this server's address use the API?")]
    Blocked,
    /// The provider refused, in its own envelope.
    #[error("the provider refused with {code} (HTTP {status}): {message}")]
    Rejected {
        /// The provider's code.
        code: ErrorCode,
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

/// The rule that a request breaks.
///
/// ```
/// use athm_core::Amount;
/// use athm_core::provider::{InvalidRequest, RefundRequest};
///
/// let error = RefundRequest::new("12-ab".parse()?, Amount::ZERO).validate().unwrap_err();
/// assert!(matches!(error, InvalidRequest::Refund(_)));
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// A payment to be opened.
    #[error(transparent)]
    Payment(#[from] InvalidPayment),
    /// A refund to be made.
    #[error(transparent)]
    Refund(#[from] InvalidRefund),
    /// A search for nothing.
    #[error("a search must name something to look for: a reference number, metadata, a total")]
    NothingToSearch,
    /// A report that ends before it begins.
    #[error("a report must begin before it ends, found {from} to {until}")]
    Range {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        until: Timestamp,
    },
    /// A report of what hasn't happened yet.
    #[error("a report must not end in the future, found {until}")]
    Future {
        /// Its end.
        until: Timestamp,
    },
    /// An address that the provider doesn't post to. It isn't repeated here: it may hold a secret.
    #[error("a webhook's address must be a URL with https")]
    Listener,
}

impl ProviderError {
    /// The HTTP status, where an answer came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NoJson { status } | Self::Rejected { status, .. } => Some(*status),
            Self::Blocked => Some(FORBIDDEN),
            _ => None,
        }
    }

    /// The provider's code, where it gave one.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        match self {
            Self::Rejected { code, .. } => Some(code).filter(|code| !code.as_str().is_empty()),
            _ => None,
        }
    }

    /// Whether time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Unreachable(error) | Self::BrokenOff(error) if error.is_timeout())
    }

    /// Whether the provider says that it has no such payment of ours.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound | Self::OtherBusiness => true,
            Self::Rejected { code, .. } => code.is_not_found(),
            _ => false,
        }
    }

    /// Whether the provider refuses the tokens, by its code or by HTTP 401 or 403.
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        let is_refused = self.status().is_some_and(|status| status == UNAUTHORIZED || status == FORBIDDEN);
        is_refused || matches!(self, Self::Rejected { code, .. } if code.kind() == ErrorKind::Authentication)
    }

    /// Whether the same question may be answered the next time. Says nothing about whether it is safe to ask again what
    /// moves money: see [`is_outcome_unknown`](Self::is_outcome_unknown).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::BrokenOff(_) | Self::Blocked => true,
            Self::NoJson { status } => !matches!(status, 300..500) || *status == TOO_MANY,
            Self::Rejected { code, status, .. } => {
                code.kind() == ErrorKind::ProviderFault || *status >= 500 || *status == TOO_MANY
            }
            _ => false,
        }
    }

    /// Whether the call may have succeeded all the same: read the payment before repeating anything.
    ///
    /// A refusal proves that nothing happened only by a published code that says so (about the request, the tokens, the
    /// parties or the payment's state). With any other code, or none, the outcome is unknown.
    ///
    /// ```no_run
    /// # async fn refund(client: athm_core::provider::Client, refund: athm_core::provider::RefundRequest) {
    /// match client.refund(&refund).await {
    ///     Ok(refunded) => println!("{} is on its way", refunded.amount),
    ///     Err(error) if error.is_outcome_unknown() => println!("perhaps it is, perhaps not: {error}"),
    ///     Err(error) => println!("it is not: {error}"),
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_connect(),
            Self::BrokenOff(_) | Self::NoJson { .. } | Self::Unreadable(_) => true,
            // A firewall may have withheld the answer instead of the request.
            Self::Blocked => true,
            // The call was answered, so it took effect, although the answer is about something else.
            Self::OtherPayment { .. } | Self::OtherBusiness => true,
            Self::Rejected { code, status, .. } => !code.proves_no_effect() || *status >= 500,
            Self::Invalid(_) | Self::NotFound => false,
        }
    }

    /// A message for the customer. It names nothing of the provider's own.
    ///
    /// ```
    /// use athm_core::provider::{Language, ProviderError};
    ///
    /// assert_eq!(ProviderError::NotFound.customer_message(Language::Spanish), "Este pago no existe.");
    /// ```
    #[must_use]
    pub fn customer_message(&self, language: Language) -> &'static str {
        let customer_message = match self {
            Self::NotFound | Self::OtherBusiness => CustomerMessage::NoPayment,
            _ if self.is_outcome_unknown() => CustomerMessage::Checking,
            Self::Rejected { code, .. } => CustomerMessage::of(code),
            Self::Unreachable(_) => CustomerMessage::TryAgain,
            _ => CustomerMessage::CannotPay,
        };
        customer_message.to(language)
    }

    /// What to tell a customer who may try again: nothing happened.
    pub(crate) fn try_again(language: Language) -> &'static str {
        CustomerMessage::TryAgain.to(language)
    }

    /// Whether it says that more was given back than we know of.
    pub(crate) fn implies_unseen_refund(&self) -> bool {
        use ErrorCode::{LegacyAlreadyRefunded, LegacyRefundAmount, LegacyRefundTooMuch};
        matches!(self, Self::Rejected { code: LegacyAlreadyRefunded | LegacyRefundAmount | LegacyRefundTooMuch, .. })
    }

    /// Whether the payment wasn't in the state CONFIRM, as it isn't either when it has just been authorized.
    pub(crate) fn is_not_confirmed(&self) -> bool {
        use ErrorCode::{NotConfirmed, UnexpectedStatus};
        matches!(self, Self::Rejected { code: NotConfirmed | UnexpectedStatus, .. })
    }
}

/// HTTP's "unauthorized".
pub(super) const UNAUTHORIZED: u16 = 401;
/// HTTP's "forbidden".
pub(super) const FORBIDDEN: u16 = 403;
/// HTTP's "too many requests".
const TOO_MANY: u16 = 429;

impl From<InvalidPayment> for ProviderError {
    fn from(error: InvalidPayment) -> Self {
        Self::Invalid(error.into())
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
