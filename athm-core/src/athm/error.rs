//! What can go wrong with the handle.

use super::WebhookSecretError;
use crate::provider::BuildError;
use crate::store::StoreError;

/// Why the environment can't be used.
///
/// ```
/// use athm_core::errors::ConfigError;
///
/// let error = ConfigError::HalfOfTokens { missing: "ATHM_PRIVATE_TOKEN" };
/// assert!(error.to_string().starts_with("ATHM_PRIVATE_TOKEN is missing"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// One of the two tokens is set, the other is not.
    #[error("{missing} is missing: athm needs both tokens, from the ATH Business app's settings")]
    HalfOfTokens {
        /// The variable that isn't set.
        missing: &'static str,
    },
    /// `ATHM_WEBHOOK_SECRET` can't be one.
    #[error("ATHM_WEBHOOK_SECRET can't be used")]
    WebhookSecret(#[from] WebhookSecretError),
    /// A variable holds something else than text.
    #[error("{variable} is not Unicode")]
    NotUnicode {
        /// The variable.
        variable: &'static str,
    },
}

/// Why athm doesn't start.
///
/// ```
/// # #[tokio::main] async fn main() {
/// use athm_core::Athm;
/// use athm_core::errors::StartError;
///
/// let error = Athm::builder().start().await.unwrap_err();
/// assert!(matches!(error, StartError::NoTokens));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There are no tokens, so that nothing can be verified.
    #[error(
        "no tokens: set ATHM_PUBLIC_TOKEN and ATHM_PRIVATE_TOKEN and call `.env()`, or call `.tokens(public, private)`; \
         a test that verifies nothing calls `.trust_callbacks()`"
    )]
    NoTokens,
    /// Trusted callbacks are for set-ups without tokens.
    #[error(
        "`.trust_callbacks()` is refused where tokens are set: with them, every message can be verified; remove one of the two"
    )]
    TrustWithTokens,
    /// Receivers that can't work.
    #[error("receivers can't work:\n  {}", problems.join("\n  "))]
    Receivers {
        /// Each mistake, with its receiver and where it stands.
        problems: Vec<String>,
    },
    /// The client of the provider's API can't be set up.
    #[error(transparent)]
    Provider(#[from] BuildError),
    /// The database can't be used.
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    /// The system gives no more threads.
    #[error("athm's threads can't be started")]
    Threads(#[source] std::io::Error),
}

/// Why a payment can't be recorded.
///
/// ```
/// use athm_core::errors::{RecordError, StoreError};
///
/// fn is_worth_a_retry(error: &RecordError) -> bool {
///     matches!(error, RecordError::Store(StoreError::Busy | StoreError::Database(_)))
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It has neither an ecommerceId nor a reference number to identify it.
    #[error("a payment without ecommerceId and reference number can't be recorded: set one of them")]
    Unidentified,
    /// It can't be made durable.
    #[error("the payment couldn't be recorded")]
    Store(#[from] StoreError),
}
