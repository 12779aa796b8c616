//! The provider's error codes.
//!
//! Published in athmovil-javascript-api and ATHM-Payment-Button-API ("error codes"); those of the older API come from
//! its public integrations.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::customer_message::CustomerMessage;
use crate::models::Language;

/// What an error is about.
///
/// ```
/// use athm_core::provider::{ErrorKind, ProviderError};
///
/// fn are_tokens_wrong(error: &ProviderError) -> bool {
///     error.code().is_some_and(|code| code.kind() == ErrorKind::Authentication)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The tokens are wrong, or too old.
    Authentication,
    /// The request breaks a rule.
    Request,
    /// The customer, the card or the business isn't permitted to.
    NotPermitted,
    /// The payment isn't there, or isn't in the state for it.
    State,
    /// The dates of a report.
    Report,
    /// Something failed at the provider: what it was asked to do may have happened.
    ProviderFault,
    /// A code that athm doesn't know.
    Unknown,
}

const LEGACY_TOKEN_CODES: [&str; 7] = ["3010", "3020", "3030", "3040", "3050", "3060", "3070"];

macro_rules! codes {
    ($($kind:ident { $($(#[$doc:meta])* $name:ident = $code:literal => $customer_message:ident,)* })*) => {
        /// One of the provider's error codes.
        ///
        /// ```
        /// use athm_core::provider::{ErrorCode, ErrorKind};
        ///
        /// let code: ErrorCode = "BTRA_0039".parse().unwrap_or_else(|never| match never {});
        /// assert_eq!((&code, code.kind()), (&ErrorCode::Expired, ErrorKind::State));
        /// assert_eq!(code.as_str(), "BTRA_0039");
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($($(#[$doc])* #[doc = concat!("`", $code, "`.")] $name,)*)*
            /// A code that athm doesn't know, as the provider wrote it; empty when it gave none.
            Unknown(String),
        }

        impl ErrorCode {
            /// Every code that athm knows.
            #[cfg(test)]
            const KNOWN: &[Self] = &[$($(Self::$name,)*)*];

            /// The code, as the provider writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $($(Self::$name => $code,)*)*
                    Self::Unknown(code) => code,
                }
            }

            /// What the error is about.
            #[must_use]
            pub fn kind(&self) -> ErrorKind {
                match self {
                    $($(Self::$name => ErrorKind::$kind,)*)*
                    // The older API: one or the other token is missing or wrong.
                    Self::Unknown(code) if LEGACY_TOKEN_CODES.contains(&code.as_str()) => ErrorKind::Authentication,
                    Self::Unknown(_) => ErrorKind::Unknown,
                }
            }

            /// What to tell a customer whose payment was refused with this code.
            ///
            /// ```
            /// use athm_core::provider::{ErrorCode, Language};
            ///
            /// let message = ErrorCode::OverLimits.customer_message(Language::English);
            /// assert_eq!(message, "The amount is over your ATH Móvil, bank or card limits.");
            /// ```
            #[must_use]
            pub fn customer_message(&self, language: Language) -> &'static str {
                CustomerMessage::of(self).to(language)
            }
        }

        impl CustomerMessage {
            /// Of a refusal with that code.
            pub(super) fn of(code: &ErrorCode) -> Self {
                match code {
                    $($(ErrorCode::$name => Self::$customer_message,)*)*
                    ErrorCode::Unknown(_) => Self::CannotPay,
                }
            }
        }

        /// The reverse of `Display`. No text fails: a code that is none of these is unknown.
        impl FromStr for ErrorCode {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(match text {
                    $($($code => Self::$name,)*)*
                    other => Self::Unknown(other.to_owned()),
                })
            }
        }
    };
}

codes! {
    Request {
        /// The amount is below the minimum.
        BelowMinimum = "BTRA_0001" => BelowMinimum,
        /// The amount is over the limits.
        OverLimits = "BTRA_0004" => OverLimits,
        /// A field has the wrong format.
        InvalidFormat = "BTRA_0006" => CannotPay,
        /// The amount is zero.
        ZeroAmount = "BTRA_0013" => BelowMinimum,
        /// A field must not be blank.
        Blank = "BTRA_0018" => CannotPay,
        /// A field must not be null.
        Null = "BTRA_0019" => CannotPay,
        /// A number has more than four digits, or more than two decimals.
        OutOfBounds = "BTRA_0020" => CannotPay,
        /// The transaction type is not valid.
        InvalidTransactionType = "BTRA_0021" => CannotPay,
        /// The amount is less than 0.01.
        BelowOneCent = "BTRA_0028" => BelowMinimum,
        /// A required parameter is not there.
        MissingParameter = "BTRA_0029" => CannotPay,
        /// A metadata field has more than 40 characters.
        MetadataTooLong = "BTRA_0038" => CannotPay,
        /// The message has more than 50 characters.
        MessageTooLong = "BTRA_0040" => CannotPay,
        /// The tip is over the limits.
        TipOverLimits = "BTRA_0042" => OverLimits,
        /// The tip is more than the payment.
        TipOverTotal = "BTRA_0051" => CannotPay,
        /// The tip is stated both as an amount and as a percentage.
        TipTwice = "BTRA_0052" => CannotPay,
        /// A search names nothing to search for (older API).
        LegacyReferenceRequired = "4010" => CannotPay,
        /// The amount can't be refunded (older API).
        LegacyRefundAmount = "7020" => CannotRefund,
        /// The amount is more than can be refunded (older API).
        LegacyRefundTooMuch = "7030" => CannotRefund,
    }
    Authentication {
        /// The bearer token is missing or not valid.
        TokenInvalid = "token.invalid.header" => CannotPay,
        /// The bearer token has expired.
        TokenExpired = "token.expired" => Expired,
        /// The authorization token is not valid.
        InvalidToken = "BTRA_0017" => CannotPay,
        /// The authorization token is not valid.
        Unauthorized = "BTRA_0401" => CannotPay,
        /// The authorization token has expired.
        AuthorizationExpired = "BTRA_0402" => Expired,
        /// The authorization token is not valid for this.
        Forbidden = "BTRA_0403" => CannotPay,
    }
    NotPermitted {
        /// The customer has yet to regain access to the account.
        AccessPending = "BTRA_0002" => AskBank,
        /// The customer's card is the business's own.
        SameCard = "BTRA_0003" => SameCard,
        /// The transaction is another business's.
        OtherBusiness = "BTRA_0008" => CannotPay,
        /// The business is not active.
        BusinessInactive = "BTRA_0009" => CannotPay,
        /// The business's status is not active.
        BusinessStatusInactive = "BTRA_0010" => CannotPay,
        /// The card is not the business's.
        OtherBusinessCard = "BTRA_0011" => CannotPay,
        /// Source and target are the same card.
        SameCards = "BTRA_0012" => SameCard,
        /// The organization is no non-profit organization.
        NoNonProfit = "BTRA_0027" => CannotPay,
        /// The payment has a phone number already.
        PhoneAlreadySet = "BTRA_0041" => CannotPay,
        /// The business doesn't own the payment.
        NotTheOwner = "BTRA_0043" => CannotPay,
        /// The amount is over the limits of the customer's bank.
        OverBankLimits = "BTRA_0044" => OverLimits,
        /// The amount is over the limits of the customer's card.
        OverCardLimits = "BTRA_0045" => OverLimits,
        /// There is no such customer.
        UnknownCustomer = "BTRA_0049" => CannotPay,
        /// The business takes no tips.
        TipsDisabled = "BTRA_0050" => CannotPay,
        /// The PIN is not valid (disbursements).
        InvalidPin = "BTRA_0067" => AskBank,
        /// There is no such disbursement (disbursements).
        UnknownDisbursement = "BTRA_0068" => CannotPay,
        /// The business may not disburse (disbursements).
        DisbursementsNotAllowed = "BTRA_0071" => CannotPay,
        /// The business's card has too little on it (disbursements).
        InsufficientBalance = "BTRA_0072" => CannotPay,
        /// The customer has to ask the bank about the card (disbursements).
        CardCondition = "BTRA_0076" => AskBank,
        /// The customer cannot receive money (disbursements).
        CannotReceive = "BTRA_0077" => AskBank,
        /// The business cannot send money (disbursements).
        CannotSend = "BTRA_0078" => CannotPay,
        /// The transaction is another business's (older API).
        LegacyOtherBusiness = "5020" => CannotPay,
    }
    State {
        /// There is no such transaction.
        UnknownTransaction = "BTRA_0007" => NoPayment,
        /// The business has no such transaction.
        UnknownToBusiness = "BTRA_0014" => NoPayment,
        /// The refund failed.
        RefundFailed = "BTRA_0030" => CannotRefund,
        /// There is no such ecommerceId.
        UnknownPayment = "BTRA_0031" => NoPayment,
        /// The payment is not in the state CONFIRM: not approved yet, or authorized already.
        NotConfirmed = "BTRA_0032" => NotConfirmed,
        /// The payment exists already.
        PaymentExists = "BTRA_0034" => CannotPay,
        /// The payment is in another state than this needs.
        UnexpectedStatus = "BTRA_0035" => CannotPay,
        /// Another customer has taken the payment.
        OtherCustomer = "BTRA_0036" => OtherCustomer,
        /// The payment was cancelled, or has failed.
        Cancelled = "BTRA_0037" => Cancelled,
        /// The time to approve the payment is over.
        Expired = "BTRA_0039" => Expired,
        /// There is no such reference number.
        UnknownReference = "BTRA_0053" => NoPayment,
        /// There is no such transaction (older API).
        LegacyUnknownTransaction = "5010" => NoPayment,
        /// The transaction is refunded already (older API).
        LegacyAlreadyRefunded = "7010" => CannotRefund,
        /// The refund failed (older API).
        LegacyRefundFailed = "7040" => CannotRefund,
    }
    Report {
        /// The report is empty.
        NothingToReport = "BTRA_0022" => CannotPay,
        /// The report's first date can't be read.
        InvalidFrom = "BTRA_0023" => CannotPay,
        /// The report's last date can't be read.
        InvalidTo = "BTRA_0024" => CannotPay,
        /// The report's first date isn't before its last.
        FromAfterTo = "BTRA_0025" => CannotPay,
        /// The report covers too many days.
        RangeTooLong = "BTRA_0026" => CannotPay,
        /// Nothing happened in the report's time.
        NothingInRange = "BTRA_0046" => CannotPay,
        /// The report's first date is in the future.
        FromInFuture = "BTRA_0047" => CannotPay,
        /// The report's last date is in the future.
        ToInFuture = "BTRA_0048" => CannotPay,
    }
    ProviderFault {
        /// The transaction failed with an error of the provider's.
        Failed = "BTRA_0005" => TryAgain,
        /// The provider's parts couldn't reach each other.
        Communication = "BTRA_0015" => TryAgain,
        /// The provider's parts couldn't reach each other.
        CommunicationError = "BTRA_0016" => TryAgain,
        /// The provider couldn't record the payment.
        NotCreated = "BTRA_0033" => TryAgain,
        /// The provider's parts couldn't reach each other.
        CommunicationFailure = "BTRA_9998" => TryAgain,
        /// An error of the provider's own.
        Internal = "BTRA_9999" => TryAgain,
    }
}

impl ErrorCode {
    /// Whether it says that there is no such payment of ours.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::UnknownTransaction
                | Self::UnknownToBusiness
                | Self::UnknownPayment
                | Self::UnknownReference
                | Self::LegacyUnknownTransaction
                | Self::LegacyOtherBusiness
        )
    }

    /// Whether a call that is refused with this code certainly has no effect. Everything else, unknown codes first of all,
    /// proves nothing.
    pub(super) fn proves_no_effect(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Authentication | ErrorKind::Request | ErrorKind::NotPermitted | ErrorKind::State
        )
    }

    /// Whether it says that a report is empty.
    pub(super) fn is_nothing_in_range(&self) -> bool {
        matches!(self, Self::NothingToReport | Self::NothingInRange)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            "" => f.pad("no code"),
            code => f.pad(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ErrorCode {
        text.parse().unwrap()
    }

    #[test]
    fn every_code_is_read_back_from_what_it_is_written_as() {
        for code in ErrorCode::KNOWN {
            assert_eq!(&parsed(code.as_str()), code);
            assert_ne!(code.kind(), ErrorKind::Unknown, "{code}");
        }
        assert_eq!(parsed("BTRA_0999"), ErrorCode::Unknown("BTRA_0999".into()));
        assert_eq!((parsed("").to_string(), parsed("").kind()), ("no code".into(), ErrorKind::Unknown));
        assert_eq!(parsed("3040").kind(), ErrorKind::Authentication);
    }

    #[test]
    fn only_published_codes_about_the_request_the_parties_or_the_payment_prove_that_nothing_happened() {
        for code in ["BTRA_0001", "BTRA_0017", "BTRA_0030", "BTRA_0044", "BTRA_0053", "7030", "3010", "3070"] {
            assert!(parsed(code).proves_no_effect(), "{code}");
        }
        for code in ["BTRA_0005", "BTRA_9998", "BTRA_0046", "BTRA_0999", "3080", "30ab", "7099", ""] {
            assert!(!parsed(code).proves_no_effect(), "{code}");
        }
    }

    #[test]
    fn all_published_codes_are_known() {
        let numbers = (1..=53).chain([67, 68, 71, 72, 76, 77, 78, 401, 402, 403, 9998, 9999]);
        for code in numbers.map(|number| format!("BTRA_{number:04}")) {
            assert!(!matches!(parsed(&code), ErrorCode::Unknown(_)), "{code}");
        }
    }
}
