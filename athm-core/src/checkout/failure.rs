//! Why a payment couldn't be opened, in words for the customer.

use crate::models::{Checkout, CheckoutState, Language};
use crate::operations::OperationError;
use crate::provider::{ErrorCode, ProviderError};

impl Checkout {
    /// Why the last payment couldn't be opened, in words for the customer; `None` unless the checkout has
    /// [failed](crate::checkouts::CheckoutState::Failed).
    #[must_use]
    pub fn failure(&self, language: Language) -> Option<&'static str> {
        if self.state() != CheckoutState::Failed {
            return None;
        }
        let code = self.attempts.last()?.failure.as_deref().unwrap_or_default();
        Some(match code.parse::<ErrorCode>() {
            // No money can move for what wasn't opened, so that it may be tried again.
            Ok(ErrorCode::Unknown(code)) if code.is_empty() => ProviderError::try_again(language),
            Ok(code) => code.customer_message(language),
        })
    }
}

/// The provider's code; empty where it gave none.
pub(super) fn code(error: &OperationError) -> String {
    match error {
        OperationError::CreateUnknown(error) | OperationError::Provider(error) => {
            error.code().map(|code| code.as_str().to_owned()).unwrap_or_default()
        }
        _ => String::new(),
    }
}
