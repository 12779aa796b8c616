//! A refund to be made.

use crate::Amount;
use crate::provider::{InvalidRequest, RefundRequest};

/// A refund that is to be made: [`Athm::refund`](crate::Athm::refund).
///
/// ```
/// use athm_core::{Amount, NewRefund};
///
/// let everything = NewRefund::full();
/// let one_mug = NewRefund::partial(Amount::from_cents(1250)).message("One mug was broken");
/// assert!(one_mug.validate().is_ok());
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a refund is made by `Athm::refund`"]
pub struct NewRefund {
    pub(crate) amount: Option<Amount>,
    pub(crate) message: Option<String>,
}

impl NewRefund {
    /// Everything that hasn't been given back yet.
    pub fn full() -> Self {
        Self { amount: None, message: None }
    }

    /// So much of it: at least a cent, and no more than what is left.
    pub fn partial(amount: Amount) -> Self {
        Self { amount: Some(amount), message: None }
    }

    /// Words for the customer, 50 characters at most.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Checks the provider's rules, so that a refusal costs no request.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] names the first rule that is broken.
    pub fn validate(&self) -> Result<(), InvalidRequest> {
        RefundRequest::check(self.amount, self.message.as_deref())
    }
}

/// Without the words for the customer.
impl std::fmt::Debug for NewRefund {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewRefund").field("amount", &self.amount).finish_non_exhaustive()
    }
}
