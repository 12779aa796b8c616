//! Why a checkout can't be offered, paid or cancelled.

use crate::models::{InvalidCheckout, NotBegun};
use crate::operations::OperationError;
use crate::store::StoreError;

/// Why a checkout can't be offered, paid or cancelled.
///
/// A payment that the provider refuses to open is no error: the checkout's state is
/// [`Failed`](crate::checkouts::CheckoutState::Failed) then.
///
/// ```
/// use athm_core::checkouts::CheckoutError;
///
/// fn is_the_customers(error: &CheckoutError) -> bool {
///     matches!(error, CheckoutError::TooManyPushes | CheckoutError::TooManyRequests)
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// It breaks a rule of the provider's or of athm's.
    #[error(transparent)]
    Invalid(#[from] InvalidCheckout),
    /// Its idempotency key was used for a checkout with another content.
    #[error("the idempotency key was used for a checkout with another content")]
    KeyTaken,
    /// There is no such checkout.
    #[error("there is no such checkout")]
    Unknown,
    /// A payment is being opened in this moment, and can't be cancelled yet.
    #[error("a payment is being opened: try again in a moment")]
    Opening,
    /// The phone was asked to approve too often within an hour, or the customer tried too many phones.
    #[error("the customer was asked to approve too often within an hour")]
    TooManyPushes,
    /// Too many requests for this checkout, or from this address.
    #[error("too many requests for this checkout, or from this address")]
    TooManyRequests,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for the checkout's id")]
    NoRandomness,
    /// The call to the provider failed.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The database can't do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotBegun> for CheckoutError {
    fn from(refused: NotBegun) -> Self {
        match refused {
            NotBegun::UnknownCheckout => Self::Unknown,
            NotBegun::TooManyPushes => Self::TooManyPushes,
            NotBegun::NotNow => Self::Opening,
        }
    }
}
