//! Finding out the outcomes of unresolved operations, also those of a process that died.

use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use super::{OperationError, Operations};
use crate::inbox::Inbox;
use crate::models::{Initiator, Operation, RefundState, Sender, Status, Transaction, UnresolvedOperation};
use crate::store::{PaymentSelector, StoreError};
use crate::util::clock::later;
use crate::util::schedule::{NextRun, Schedule};
use crate::util::text::causes;

/// How often unresolved operations are searched when none is due: another process may have died and left one.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// When a refund without a known outcome needs a person.
pub(crate) const REFUND_UNRESOLVED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Operations {
    /// Recovers each unresolved operation when it is due, until the store is closed.
    pub(crate) async fn recover_all(self) {
        let Inbox { store, clock, .. } = &self.inbox;
        let run = || async {
            match self.recover_due().await {
                Ok(()) => NextRun::Due(store.next_unresolved_operation().await.ok().flatten()),
                Err(error) => error.log_failed_run("unresolved operations couldn't be recovered; tried again"),
            }
        };
        Schedule { clock, max_wait: MAX_WAIT, requests: &self.recovery }.run(run, || self.unresolved.notified()).await;
    }

    async fn recover_due(&self) -> Result<(), StoreError> {
        let due = self.inbox.store.claim_unresolved_operations(self.inbox.clock.steady()).await?;
        let recoveries = due.into_iter().map(|unresolved| async move {
            if let Err(error) = self.recover(unresolved).await {
                let UnresolvedOperation { transaction, operation, .. } = unresolved;
                tracing::warn!(payment = %transaction, %operation, error = causes(&error), "the operation's outcome is still unknown");
            }
        });
        join_all(recoveries).await;
        Ok(())
    }

    async fn recover(&self, unresolved: UnresolvedOperation) -> Result<(), OperationError> {
        let UnresolvedOperation { intent_id, transaction: id, operation, .. } = unresolved;
        let Some(payment) = self.inbox.store.find(PaymentSelector::Id(id)).await? else { return Ok(()) };
        if operation == Operation::Refund {
            return self.recover_refund(&payment, intent_id).await;
        }
        if payment.status.is_final() {
            self.resolve(intent_id).await;
            return Ok(());
        }
        let sender = match operation {
            Operation::Authorize => Sender::AUTHORIZE,
            Operation::Cancel => Sender::CANCEL,
            Operation::UpdatePhone | Operation::Refund => {
                self.resolve(intent_id).await;
                return Ok(());
            }
        };
        let read_at = self.inbox.clock.steady();
        let Some(found) = self.refresh(&payment, sender).await? else { return Ok(()) };
        match (operation, &found.status) {
            (_, status) if status.is_final() => self.resolve(intent_id).await,
            // The customer hasn't approved it, so the authorization failed.
            (Operation::Authorize, Status::Open) => self.resolve(intent_id).await,
            (Operation::Authorize, Status::Confirmed) => {
                match self.authorize_again(id, read_at, Initiator::Schedule).await {
                    Ok(_) | Err(OperationError::Unresolved { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            (Operation::Cancel, _) => return self.cancel_again(&found, intent_id).await,
            _ => {}
        }
        Ok(())
    }

    /// The cancel may have been lost. It moves no money, so it is sent again until the payment has ended.
    async fn cancel_again(&self, payment: &Transaction, intent_id: Uuid) -> Result<(), OperationError> {
        let Some(ecommerce_id) = payment.ecommerce_id else { return Ok(()) };
        if let Err(error) = self.provider.cancel(&ecommerce_id).await {
            tracing::warn!(payment = %payment.id, error = %causes(&error), "a repeated cancel isn't confirmed; it is sent again");
        }
        if self.refresh(payment, Sender::CANCEL).await?.is_some_and(|found| found.status.is_final()) {
            self.resolve(intent_id).await;
        }
        Ok(())
    }

    /// Only an increase of the refunded amount proves that a refund was done. That there is none proves nothing: the
    /// provider's books may lag.
    async fn recover_refund(&self, payment: &Transaction, intent_id: Uuid) -> Result<(), OperationError> {
        let refund = self.refund_record(intent_id.into()).await?;
        if refund.state != RefundState::Pending {
            self.resolve(intent_id).await;
            return Ok(());
        }
        self.refresh(payment, Sender::REFUND).await?;
        let needs_a_person = later(refund.created_at, REFUND_UNRESOLVED_AFTER) <= self.inbox.clock.now();
        if needs_a_person && self.refund_record(refund.id).await?.state == RefundState::Pending {
            tracing::error!(refund = %refund.id, payment = %payment.id, "a refund is without a known outcome for a day: find out whether it was done, and resolve it");
        }
        Ok(())
    }
}
