//! Errors as HTTP answers.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use athm_core::errors::{
    DismissError, IdError, OperationError, ParseError, RecordError, ReplayError, StoreError, VerifyError,
};
use athm_core::provider::ProviderError;
use athm_core::{BoxError, MessageResult, Rejection, UnexpectedTotal};
use serde_json::json;

/// How long a sender should wait when something can't be done now, in seconds.
const RETRY_SECONDS: &str = "5";

/// An error of a callback, as an HTTP answer. The answer says what the sender can correct and contains no payment data,
/// because any client may send a callback. The log has the error of every answer that doesn't explain itself: of 500 and 503
/// as an ERROR, of a refusal (404, 409, 422) as a WARN, of a payment that isn't confirmed yet as an INFO.
///
/// | answer | when |
/// |---|---|
/// | 400 `{"error":"unreadable","field":…,"message":…}` | the body can't be read |
/// | 408, 413, 415 | the body takes too long to arrive, is too long, or neither a form nor JSON, or compressed |
/// | 422 `{"result":"refused"}` | the provider, or the program's own check, says otherwise |
/// | 400 `{"error":"unreadable","message":…}` | a part of the address, or a field, is no id and no phone number |
/// | 404 `{"error":"not found"}` | there is no such payment, refund, delivery or event |
/// | 409 `{"error":"impossible"}` | a payment in whose state that can't be done, or that the provider refuses; a replay or a dismissal that can't be made, with a `message` |
/// | 409 `{"error":"unknown"}` | a refund that may have been made, or not: it must not be repeated |
/// | 422 `{"error":"invalid","message":…}` | what is asked for breaks the provider's rules: nothing was sent |
/// | 500 `{"error":"internal"}` | a mistake of the program's |
/// | 503 with `Retry-After` | not now: the provider doesn't confirm it yet or can't be asked, the database can't write |
///
/// ```
/// use actix_web::ResponseError;
/// use athm_actix::errors::VerifyError;
///
/// assert_eq!(athm_actix::Error::from(VerifyError::Refused).status_code(), 422);
/// assert_eq!(athm_actix::Error::from(VerifyError::Pending).status_code(), 503);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message can't be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The request broke off.
    #[error("the request's body can't be read")]
    Unreadable,
    /// The body is too long.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The longest body that is read.
        limit: usize,
    },
    /// The body is compressed.
    #[error("expected a body without Content-Encoding, found {found:?}: send it uncompressed")]
    Encoding {
        /// How it is compressed.
        found: String,
    },
    /// The body takes too long to arrive.
    #[error("the body didn't arrive in time")]
    TooSlow,
    /// The message can't be verified.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The payment can't be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The database can't do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An operation on a payment failed, or its outcome is unknown.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The delivery or the event can't be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The delivery can't be dismissed.
    #[error(transparent)]
    Dismiss(#[from] DismissError),
    /// A part of the address, or a field, is no id and no phone number.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A check of the program's own refused the payment.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A payment of another amount than its order costs.
    #[error(transparent)]
    UnexpectedTotal(#[from] UnexpectedTotal),
    /// Anything else that a callback of your own ran into: 500.
    #[error(transparent)]
    Other(BoxError),
}

impl Error {
    /// Any other error, answered with 500 and logged.
    ///
    /// ```
    /// let error = athm_actix::Error::other(std::io::Error::other("the printer is on fire"));
    /// assert_eq!(error.to_string(), "the printer is on fire");
    /// ```
    pub fn other(error: impl Into<BoxError>) -> Self {
        Self::Other(error.into())
    }

    fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Verify(VerifyError::Refused | VerifyError::Unidentified)
                | Self::Record(RecordError::Unidentified)
                | Self::Rejected(_)
                | Self::UnexpectedTotal(_)
        )
    }
}

/// The status and the `error` word of an answer.
pub(crate) fn answer_to(error: &OperationError) -> (StatusCode, &'static str) {
    match error {
        OperationError::UnknownTransaction { .. } | OperationError::UnknownRefund { .. } => {
            (StatusCode::NOT_FOUND, "not found")
        }
        OperationError::NoAuthToken { .. }
        | OperationError::Completed { .. }
        | OperationError::Ended { .. }
        | OperationError::Mismatch { .. }
        | OperationError::Rejected { .. }
        | OperationError::CancelUnresolved { .. }
        | OperationError::NotPaid { .. }
        | OperationError::RefundTooMuch { .. }
        | OperationError::RefundPending { .. }
        | OperationError::RefundNotPending { .. }
        | OperationError::KeyTaken
        | OperationError::NotOpened { .. } => (StatusCode::CONFLICT, "impossible"),
        // No "try again later".
        OperationError::RefundUnknown { .. } => (StatusCode::CONFLICT, "unknown"),
        OperationError::Provider(ProviderError::Invalid(_)) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        OperationError::Provider(error) if !error.is_retryable() && !error.is_outcome_unknown() => {
            (StatusCode::CONFLICT, "impossible")
        }
        OperationError::NoProvider | OperationError::NotCommitted { .. } | OperationError::OtherDatabase => {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal")
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Parse(ParseError::ContentType { .. }) | Self::Encoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Parse(_) | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Other(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Operation(error) => answer_to(error).0,
            Self::Replay(ReplayError::NotFound) | Self::Dismiss(DismissError::NotFound) => StatusCode::NOT_FOUND,
            Self::Replay(ReplayError::Store(_)) | Self::Dismiss(DismissError::Store(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Replay(_) | Self::Dismiss(_) => StatusCode::CONFLICT,
            Self::Id(_) => StatusCode::BAD_REQUEST,
            _ if self.is_refusal() => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, RETRY_SECONDS));
        }
        let error = self as &dyn std::error::Error;
        match self {
            Self::Verify(VerifyError::Pending) => {
                tracing::info!(%status, "a callback isn't confirmed by the provider yet");
            }
            Self::Operation(_) if !status.is_server_error() => {
                tracing::warn!(error, %status, "a handler returned an error")
            }
            _ if self.is_refusal() => tracing::warn!(error, %status, "a callback was refused"),
            _ if status.is_server_error() => tracing::error!(error, %status, "a handler returned an error"),
            // The answer explains what can't be read.
            _ => {}
        }
        let message = self.to_string();
        response.json(match self {
            Self::Parse(error) => match error.field() {
                Some(field) => json!({ "error": "unreadable", "field": field, "message": message }),
                None => json!({ "error": "unreadable", "message": message }),
            },
            Self::Unreadable | Self::Encoding { .. } => json!({ "error": "unreadable", "message": message }),
            Self::Operation(OperationError::Provider(ProviderError::Invalid(_))) => {
                json!({ "error": "invalid", "message": message })
            }
            Self::Operation(error) => json!({ "error": answer_to(error).1 }),
            Self::Replay(ReplayError::NotFound) | Self::Dismiss(DismissError::NotFound) => {
                json!({ "error": "not found" })
            }
            Self::Replay(ReplayError::Store(_)) | Self::Dismiss(DismissError::Store(_)) => {
                json!({ "error": "unavailable" })
            }
            Self::Replay(_) | Self::Dismiss(_) => json!({ "error": "impossible", "message": message }),
            Self::Id(_) => json!({ "error": "unreadable", "message": message }),
            Self::TooLarge { .. } => json!({ "error": "too large", "message": message }),
            Self::TooSlow => json!({ "error": "too slow", "message": message }),
            Self::Verify(VerifyError::Pending) => json!({ "result": MessageResult::Pending.as_str() }),
            Self::Other(_) => json!({ "error": "internal" }),
            _ if self.is_refusal() => json!({ "result": MessageResult::Refused.as_str() }),
            _ => json!({ "error": "unavailable" }),
        })
    }
}
