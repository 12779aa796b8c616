//! A refund to be made.

use crate::models::Amount;

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
    /// [`InvalidRefund`] names the first rule that is broken.
    pub fn validate(&self) -> Result<(), InvalidRefund> {
        InvalidRefund::check(self.amount, self.message.as_deref())
    }
}

/// Without the words for the customer.
impl std::fmt::Debug for NewRefund {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewRefund").field("amount", &self.amount).finish_non_exhaustive()
    }
}

/// The rule that a refund breaks.
///
/// ```
/// use athm_core::errors::InvalidRefund;
/// use athm_core::{Amount, NewRefund};
///
/// let error = NewRefund::partial(Amount::ZERO).validate().unwrap_err();
/// assert!(matches!(error, InvalidRefund::Amount { .. }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRefund {
    /// Nothing, or less, is to be given back.
    #[error("a refund must be at least 0.01 dollars, found {found}")]
    Amount {
        /// The amount asked for.
        found: Amount,
    },
    /// The message for the customer is too long.
    #[error("a refund's message must have at most 50 characters, found {length}")]
    Message {
        /// How many characters it has.
        length: usize,
    },
}

impl InvalidRefund {
    const MAX_MESSAGE_CHARS: usize = 50;

    /// Checks a refund's amount, where one is given, and its message.
    pub(crate) fn check(amount: Option<Amount>, message: Option<&str>) -> Result<(), Self> {
        if let Some(found) = amount.filter(|amount| *amount <= Amount::ZERO) {
            return Err(Self::Amount { found });
        }
        let length = message.unwrap_or_default().chars().count();
        if length > Self::MAX_MESSAGE_CHARS {
            return Err(Self::Message { length });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_at_least_a_cent() {
        let check = |cents| NewRefund::partial(Amount::from_cents(cents)).validate();
        assert_eq!(check(1), Ok(()));
        assert_eq!(check(0), Err(InvalidRefund::Amount { found: Amount::ZERO }));
        assert_eq!(check(-500), Err(InvalidRefund::Amount { found: Amount::from_cents(-500) }));
        assert_eq!(NewRefund::full().validate(), Ok(()));
    }

    #[test]
    fn a_message_has_at_most_50_characters_whatever_their_bytes() {
        let check = |length| NewRefund::full().message("ñ".repeat(length)).validate();
        assert_eq!(check(50), Ok(()));
        assert_eq!(check(51), Err(InvalidRefund::Message { length: 51 }));
    }

    #[test]
    fn words_for_the_customer_stay_out_of_debug_output() {
        let shown = format!("{:?}", NewRefund::partial(Amount::from_cents(1250)).message("Get well soon"));
        assert!(shown.contains("NewRefund") && shown.contains("12.50") && !shown.contains("Get well"), "{shown}");
    }
}
