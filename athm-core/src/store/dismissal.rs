//! Dismissing a delivery: a person has seen it, and it needs no further attempt.

use jiff::Timestamp;

use super::StoreError;
use crate::models::DeliveryId;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use crate::outbox::DeliveryRecord;
use crate::outbox::DeliveryState;

/// A request to dismiss a delivery.
#[derive(Debug, Clone)]
pub(crate) struct Dismissal {
    pub(crate) id: DeliveryId,
    pub(crate) reason: String,
    pub(crate) now: Timestamp,
}

impl Dismissal {
    /// What runs ends by itself, and what has succeeded needs nothing.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn check(&self, delivery: &DeliveryRecord) -> Result<(), DismissError> {
        match delivery.state {
            DeliveryState::Due | DeliveryState::Dead | DeliveryState::Dismissed => Ok(()),
            state => Err(DismissError::NotDismissible { id: self.id, state }),
        }
    }
}

/// Why a delivery can't be dismissed.
///
/// ```no_run
/// # async fn dismiss(athm: athm_core::Athm, delivery: athm_core::ids::DeliveryId) {
/// use athm_core::errors::DismissError;
///
/// match athm.deliveries().dismiss(delivery, "shipped by hand").await {
///     Ok(delivery) => println!("{} is {}", delivery.id, delivery.state),
///     Err(DismissError::NotDismissible { state, .. }) => println!("it is {state}"),
///     Err(error) => println!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DismissError {
    /// There is no such delivery.
    #[error("there is no such delivery")]
    NotFound,
    /// It runs, or it has succeeded.
    #[error("the delivery {id} is {state}: only a dead or a due one can be dismissed")]
    NotDismissible {
        /// The id of the delivery.
        id: DeliveryId,
        /// The state that it is in.
        state: DeliveryState,
    },
    /// The database failed.
    #[error("the database couldn't be written")]
    Store(#[from] StoreError),
}
