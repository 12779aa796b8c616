//! Refunds of payments, and those that need a person.

use super::Athm;
use crate::models::{RefundId, RefundRecord, TransactionId};
use crate::operations::{OperationError, REFUND_UNRESOLVED_AFTER, RefundResolution};
use crate::store::{RefundQuery, StoreError};
use crate::util::clock::earlier;

/// The refunds of payments, and those that need a person: [`Athm::refunds`].
///
/// ```no_run
/// # async fn look_after(athm: athm_core::Athm) -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::refunds::RefundResolution;
///
/// for refund in athm.refunds().unresolved().await? {
///     println!("was {} of the payment {} given back?", refund.amount, refund.transaction_id);
///     // Look into the ATH Business app, then:
///     athm.refunds().resolve(refund.id, RefundResolution::NotDone).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Refunds<'a> {
    pub(super) athm: &'a Athm,
}

impl Refunds<'_> {
    /// Those of a payment: what was given back in its order, then what is pending and what wasn't done.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn of(&self, id: TransactionId) -> Result<Vec<RefundRecord>, StoreError> {
        self.athm.store().list_refunds(RefundQuery::Of(id)).await
    }

    /// Refunds without a known outcome for a day: the oldest 1,000, oldest first. That the provider doesn't show them proves
    /// nothing: a person has to find out, and to [resolve](crate::refunds::Refunds::resolve) them.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn unresolved(&self) -> Result<Vec<RefundRecord>, StoreError> {
        let until = earlier(self.athm.clock().now(), REFUND_UNRESOLVED_AFTER);
        self.athm.store().list_refunds(RefundQuery::Pending { until }).await
    }

    /// Decides a refund that the provider has never shown: see [`unresolved`](Self::unresolved).
    ///
    /// `Done` fires `refunded`. `NotDone` releases the reserved amount; if the provider shows the money later all the
    /// same, it is recorded as a refund that was not requested here.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: there is no such refund, or it is not pending.
    pub async fn resolve(&self, id: RefundId, resolution: RefundResolution) -> Result<RefundRecord, OperationError> {
        self.athm.operate(move |operations| async move { operations.resolve_refund(id, resolution).await }).await
    }
}
