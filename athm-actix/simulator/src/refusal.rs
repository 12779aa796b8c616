//! The provider's error answers, in their two envelopes.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use crate::error::SimulatorError;
use crate::fields::BadField;

/// A refusal of the payment API: `{"status":"error","message":…,"errorcode":…,"data":null}`.
///
/// The provider documents no HTTP statuses for it. These are invented: 400 for the request, 401 for tokens, 404 for
/// unknown ids, 409 for the payment's state.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    fn request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// A token is missing or wrong.
    pub(crate) fn token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "BTRA_0017", "Invalid authorization token")
    }

    /// The bearer token is missing or unknown.
    pub(crate) fn header() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token.invalid.header", "The Authorization header holds no valid token.")
    }

    /// The bearer token has expired.
    pub(crate) fn expired(expired_at: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token.expired", format!("The Token has expired on {expired_at}."))
    }

    pub(crate) fn format(message: impl fmt::Display) -> Self {
        Self::request("BTRA_0006", format!("Invalid format: {message}"))
    }

    pub(crate) fn blank(field: &str) -> Self {
        Self::request("BTRA_0018", format!("{field}: must not be blank"))
    }

    pub(crate) fn null(field: &str) -> Self {
        Self::request("BTRA_0019", format!("{field}: must not be null"))
    }

    pub(crate) fn metadata(field: &str) -> Self {
        Self::request("BTRA_0038", format!("{field}: more than 40 characters"))
    }

    pub(crate) fn timeout() -> Self {
        Self::request("BTRA_0020", "timeout: numeric value out of bounds (120 to 600 expected)")
    }

    pub(crate) fn zero() -> Self {
        Self::request("BTRA_0013", "The amount is zero")
    }

    pub(crate) fn below_minimum() -> Self {
        Self::request("BTRA_0001", "The amount is below the minimum of 1.00")
    }

    pub(crate) fn above_maximum() -> Self {
        Self::request("BTRA_0004", "The amount is over the limit of 1500.00")
    }

    pub(crate) fn unknown_payment() -> Self {
        Self::new(StatusCode::NOT_FOUND, "BTRA_0031", "No such ecommerceId")
    }

    pub(crate) fn not_confirmed() -> Self {
        Self::new(StatusCode::CONFLICT, "BTRA_0032", "The payment is not in status CONFIRM")
    }

    pub(crate) fn unknown_reference() -> Self {
        Self::new(StatusCode::NOT_FOUND, "BTRA_0053", "No such referenceNumber")
    }

    pub(crate) fn not_the_owner() -> Self {
        Self::new(StatusCode::CONFLICT, "BTRA_0043", "The token belongs to another payment")
    }

    pub(crate) fn over_the_cards_limit() -> Self {
        Self::new(StatusCode::CONFLICT, "BTRA_0045", "The amount is over the limits of the card")
    }

    pub(crate) fn blocked() -> Self {
        Self::new(StatusCode::CONFLICT, "BTRA_0002", "The customer has to regain access first")
    }

    pub(crate) fn message() -> Self {
        Self::request("BTRA_0040", "The message is longer than 50 characters")
    }

    /// A refusal of the report, which comes with HTTP 200.
    pub(crate) fn report(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, code, message)
    }

    /// As for wrong tokens.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "BTRA_0401", "Unauthorized")
    }

    /// As for tokens without permission.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "BTRA_0403", "Forbidden")
    }

    /// An error code for a request that was done.
    pub(crate) fn despite_effect(code: String) -> Self {
        Self::new(StatusCode::OK, code, "An injected fault; the request was done")
    }

    /// With a code chosen by a fault.
    pub(crate) fn with_code(code: String) -> Self {
        let status = if code.ends_with("9999") { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::CONFLICT };
        Self::new(status, code, "Refused by an injected fault")
    }

    /// The answer to an operation that the payment's state doesn't allow.
    pub(crate) fn of(error: &SimulatorError) -> Self {
        use athm_core::Status;

        match error {
            SimulatorError::WrongStatus { status: Status::Cancelled, .. } => {
                Self::new(StatusCode::CONFLICT, "BTRA_0037", "The payment was cancelled")
            }
            SimulatorError::WrongStatus { status: Status::Expired, .. } => {
                Self::new(StatusCode::CONFLICT, "BTRA_0039", "The payment has expired")
            }
            SimulatorError::UnknownPayment { .. } => Self::unknown_payment(),
            SimulatorError::NotRefundable { left, .. } => {
                Self::new(StatusCode::CONFLICT, "BTRA_0030", format!("No more than {left} can be refunded"))
            }
            _ => Self::new(StatusCode::CONFLICT, "BTRA_0035", "The payment is not in the expected status"),
        }
    }

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "BTRA_9999", "Internal error")
    }

    pub(crate) fn answer(&self) -> HttpResponse {
        HttpResponse::build(self.status).json(json!({
            "status": "error", "message": self.message, "errorcode": self.code, "data": null,
        }))
    }
}

impl From<BadField> for Refusal {
    fn from(field: BadField) -> Self {
        Self::format(field.message())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.answer()
    }
}

/// A refusal of the older API: `{"errorCode":"…","description":"…"}`, with HTTP 200.
#[derive(Debug)]
pub(crate) struct LegacyRefusal {
    code: &'static str,
    description: &'static str,
}

impl LegacyRefusal {
    pub(crate) const PUBLIC_TOKEN_INVALID: Self = Self { code: "3010", description: "publicToken is invalid" };
    pub(crate) const PUBLIC_TOKEN_REQUIRED: Self = Self { code: "3030", description: "publicToken is required" };
    pub(crate) const PRIVATE_TOKEN_INVALID: Self = Self { code: "3040", description: "privateToken is invalid" };
    pub(crate) const PRIVATE_TOKEN_REQUIRED: Self = Self { code: "3060", description: "privateToken is required" };
    pub(crate) const CRITERIA_REQUIRED: Self = Self { code: "4010", description: "referenceNumber is required" };
    pub(crate) const UNKNOWN: Self = Self { code: "5010", description: "transaction does not exist" };
}

impl fmt::Display for LegacyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.description)
    }
}

impl ResponseError for LegacyRefusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::OK
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::Ok().json(json!({ "errorCode": self.code, "description": self.description }))
    }
}
