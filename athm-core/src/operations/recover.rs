//! Looking after calls whose outcome isn't known, also those of a process that died.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{join_all, select};
use uuid::Uuid;

use super::{OperationError, Operations};
use crate::models::{Operation, RefundState, Sender, Status, Transaction, UnresolvedOperation};
use crate::store::{PaymentLookup, StoreError};
use crate::util::clock::later;
use crate::util::text::causes;

/// How often to look around when nothing is due before: another process may have died.
const ROUND: Duration = Duration::from_secs(60);
/// How long to wait after something has failed.
const BREATH: Duration = Duration::from_secs(1);
/// How often a cancelled payment that the provider still shows open is read again.
const MAX_CANCEL_LOOKUPS: u32 = 6;
/// After how long a person is to find out whether a refund was done.
pub(crate) const REFUND_UNRESOLVED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Operations {
    /// Looks into each when its time has come.
    pub(crate) async fn recover_all(self) {
        loop {
            match self.recover_due().await {
                Ok(()) => self.wait().await,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(error = causes(&error), "unknown outcomes couldn't be looked after; tried again");
                    let clock = &self.inbox.clock;
                    clock.sleep_until(later(clock.steady(), BREATH)).await;
                }
            }
        }
    }

    async fn recover_due(&self) -> Result<(), StoreError> {
        let unresolved = self.inbox.store.unresolved(self.inbox.clock.steady()).await?;
        let attempts = unresolved.into_iter().map(|unresolved| async move {
            if let Err(error) = self.recover(unresolved).await {
                let UnresolvedOperation { transaction, operation, .. } = unresolved;
                tracing::warn!(payment = %transaction, %operation, error = causes(&error), "its outcome is still unknown");
            }
        });
        join_all(attempts).await;
        Ok(())
    }

    async fn recover(&self, unresolved: UnresolvedOperation) -> Result<(), OperationError> {
        let UnresolvedOperation { intent, transaction: id, operation, attempts } = unresolved;
        let Some(transaction) = self.inbox.store.find(PaymentLookup::Id(id)).await? else { return Ok(()) };
        if operation == Operation::Refund {
            return self.recover_refund(&transaction, intent).await;
        }
        if transaction.status.is_final() {
            self.known(intent).await;
            return Ok(());
        }
        let sender = match operation {
            Operation::Authorize => Sender::AUTHORIZE,
            Operation::Cancel => Sender::CANCEL,
            Operation::UpdatePhone | Operation::Refund => {
                self.known(intent).await;
                return Ok(());
            }
        };
        let read_at = self.inbox.clock.steady();
        let Some(found) = self.reread(&transaction, sender).await? else { return Ok(()) };
        match (operation, &found.status) {
            (_, status) if status.is_final() => self.known(intent).await,
            // The customer hasn't approved it: there was nothing to authorize.
            (Operation::Authorize, Status::Open) => self.known(intent).await,
            (Operation::Authorize, Status::Confirmed) => match self.authorize_again(id, read_at).await {
                Ok(_) | Err(OperationError::Unresolved { .. }) => {}
                Err(error) => return Err(error),
            },
            (Operation::Cancel, _) if attempts >= MAX_CANCEL_LOOKUPS => self.known(intent).await,
            _ => {}
        }
        Ok(())
    }

    /// Only an increase of what the provider says has been given back resolves it; that there is none says nothing.
    async fn recover_refund(&self, payment: &Transaction, intent: Uuid) -> Result<(), OperationError> {
        let refund = self.kept(intent.into()).await?;
        if refund.state != RefundState::Pending {
            self.known(intent).await;
            return Ok(());
        }
        self.reread(payment, Sender::REFUND).await?;
        let needs_a_person = later(refund.created_at, REFUND_UNRESOLVED_AFTER) <= self.inbox.clock.now();
        if needs_a_person && self.kept(refund.id).await?.state == RefundState::Pending {
            tracing::error!(refund = %refund.id, payment = %payment.id, "whether a refund was done is unknown after a day: find out, and resolve it");
        }
        Ok(())
    }

    /// Until an outcome is due to be looked into, or another becomes unknown.
    async fn wait(&self) {
        let clock = &self.inbox.clock;
        let look_around = later(clock.steady(), ROUND);
        let due = self.inbox.store.next_unresolved().await.ok().flatten();
        let time = pin!(clock.sleep_until(due.map_or(look_around, |due| due.min(look_around))));
        let waiting = pin!(self.waiting.notified());
        select(time, waiting).await;
    }
}
