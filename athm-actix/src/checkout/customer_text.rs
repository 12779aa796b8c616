//! Errors and statuses in words for customers, in both languages.

use athm_core::Status;
use athm_core::checkouts::{CheckoutError, InvalidCheckout, Language};
use athm_core::errors::{IdError, InvalidPayment, OperationError};
use athm_core::provider::{InvalidRequest, ProviderError};

use super::texts::Texts;

/// What to tell a customer: for pages of your own. It names nothing of the program's or of the provider's.
///
/// ```
/// use athm_actix::checkouts::{CustomerText, Language};
/// use athm_actix::{PhoneNumber, Status};
///
/// assert_eq!(Status::Expired.customer_text(Language::Spanish), "Expirado");
///
/// let error = "555-0199".parse::<PhoneNumber>().unwrap_err();
/// assert!(error.customer_text(Language::English).starts_with("Enter the ten digits"));
/// ```
pub trait CustomerText {
    /// The text in that language.
    fn customer_text(&self, language: Language) -> &'static str;
}

impl CustomerText for Status {
    fn customer_text(&self, language: Language) -> &'static str {
        let [open, confirmed, completed, cancelled, expired, unknown] = Texts::of(language).statuses;
        match self {
            Self::Open => open,
            Self::Confirmed => confirmed,
            Self::Completed => completed,
            Self::Cancelled => cancelled,
            Self::Expired => expired,
            _ => unknown,
        }
    }
}

/// Of a phone number that can't be read: the only id that customers type.
impl CustomerText for IdError {
    fn customer_text(&self, language: Language) -> &'static str {
        Texts::of(language).phone_error
    }
}

impl CustomerText for InvalidPayment {
    fn customer_text(&self, language: Language) -> &'static str {
        let texts = Texts::of(language);
        match self {
            Self::Total { .. } => texts.total_limits,
            _ => texts.ask_the_business,
        }
    }
}

impl CustomerText for InvalidCheckout {
    fn customer_text(&self, language: Language) -> &'static str {
        match self {
            Self::Payment(error) => error.customer_text(language),
            _ => Texts::of(language).ask_the_business,
        }
    }
}

impl CustomerText for ProviderError {
    fn customer_text(&self, language: Language) -> &'static str {
        match self {
            Self::Invalid(InvalidRequest::Payment(error)) => error.customer_text(language),
            error => error.customer_message(language),
        }
    }
}

impl CustomerText for OperationError {
    fn customer_text(&self, language: Language) -> &'static str {
        let texts = Texts::of(language);
        match self {
            Self::Provider(error) => error.customer_text(language),
            // Nothing can have moved: it may be tried again.
            Self::CreateUnknown(_) | Self::Store(_) | Self::Closed | Self::Lookup(_) => texts.unavailable,
            Self::Completed { .. } | Self::Ended { .. } => texts.ended,
            Self::UnderWay { .. } | Self::NotOpenedYet { .. } => texts.opening,
            Self::RefundTooMuch { .. } => texts.refund_too_much,
            Self::RefundPending { .. } | Self::RefundUnknown { .. } => texts.refund_pending,
            Self::Unresolved { .. } | Self::CancelUnresolved { .. } => texts.checking,
            _ => texts.not_now,
        }
    }
}

impl CustomerText for CheckoutError {
    fn customer_text(&self, language: Language) -> &'static str {
        let texts = Texts::of(language);
        match self {
            Self::Invalid(error) => error.customer_text(language),
            Self::Operation(error) => error.customer_text(language),
            Self::Unknown => texts.not_found,
            Self::Opening => texts.opening,
            Self::TooManyPushes => texts.too_many_pushes,
            Self::TooManyRequests => texts.too_many_requests,
            Self::KeyTaken => texts.ask_the_business,
            _ => texts.unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use athm_core::Amount;
    use athm_core::errors::StoreError;

    use super::*;

    #[test]
    fn each_text_is_in_both_languages_and_differs() {
        let errors: Vec<Box<dyn CustomerText>> = vec![
            Box::new(Status::Open),
            Box::new(Status::Unknown("HELD".into())),
            Box::new("x".parse::<athm_core::PhoneNumber>().unwrap_err()),
            Box::new(InvalidPayment::Total { found: Amount::ZERO }),
            Box::new(InvalidPayment::Timeout { found: Duration::ZERO }),
            Box::new(InvalidCheckout::ReturnUrl),
            Box::new(OperationError::Closed),
            Box::new(OperationError::NoProvider),
            Box::new(OperationError::Store(StoreError::Busy)),
            Box::new(OperationError::Provider(ProviderError::NotFound)),
            Box::new(CheckoutError::TooManyPushes),
            Box::new(CheckoutError::TooManyRequests),
            Box::new(CheckoutError::Opening),
            Box::new(CheckoutError::Unknown),
            Box::new(CheckoutError::KeyTaken),
        ];
        for error in errors {
            let (english, spanish) = (error.customer_text(Language::English), error.customer_text(Language::Spanish));
            assert!(!english.is_empty() && !spanish.is_empty() && english != spanish, "{english}");
        }
    }
}
