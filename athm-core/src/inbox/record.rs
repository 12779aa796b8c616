//! Step 3: what was seen of a payment is applied and stored.

use super::{Inbox, MessageOutcome, outcome_of};
use crate::callback::Message;
use crate::models::{PaymentKey, RefundDetail, ReportedRefund, Sender, Status, Transaction, TransactionKind};
use crate::store::{Observation, Origin, Recorded, StoreError};

impl Inbox {
    /// Records a payment as it was seen. What the provider lists as a refund is recorded with the payment that it refunds.
    pub(crate) async fn record(&self, observed: Transaction, sender: Sender) -> Result<Recorded, StoreError> {
        let (mut observed, mut reported) = (observed, Vec::new());
        if *observed.kind() == TransactionKind::Refund
            && let Some(payment) = self.refunded_by(&observed).await?
        {
            reported.push(ReportedRefund { refund: None, detail: RefundDetail::of(&observed) });
            observed = Transaction { updated_at: observed.updated_at, ..payment };
        }
        let recorded = self.store.record(Observation { reported, ..Observation::new(observed, sender) }).await?;
        if recorded.transaction.status == Status::Confirmed {
            self.payment_confirmed.notify_one();
        }
        if recorded.transaction.status.is_final() && !recorded.events.is_empty() {
            self.update_copies_of(&recorded.transaction);
        }
        Ok(recorded)
    }

    /// Records what the provider's report says of a payment, which may lower a refunded amount.
    pub(crate) async fn reconcile(&self, observed: Transaction) -> Result<Recorded, StoreError> {
        let origin = Origin::Reconciliation;
        self.store.record(Observation { origin, ..Observation::new(observed, Sender::RECONCILE) }).await
    }

    /// Records that a person accepts the total of a payment.
    pub(crate) async fn accept_mismatch(&self, payment: Transaction) -> Result<Recorded, StoreError> {
        let observed = Transaction { updated_at: self.clock.now(), ..payment };
        let origin = Origin::Acceptance;
        let recorded = self.store.record(Observation { origin, ..Observation::new(observed, Sender::ACCEPT) }).await?;
        if recorded.transaction.status == Status::Confirmed {
            self.payment_confirmed.notify_one();
        }
        Ok(recorded)
    }

    /// Records what a message states. Only when callbacks are trusted.
    pub(super) async fn receive_unverified(
        &self,
        message: &Message,
        key: PaymentKey,
        sender: Sender,
    ) -> Result<MessageOutcome, StoreError> {
        let mut observation = Observation::new(message.transaction(self.clock.now()), sender);
        if message.kind() == Some(&TransactionKind::Refund) {
            let Some(payment) = self.find(&key).await? else {
                return Ok(MessageOutcome::unmatched("it names no payment that is known"));
            };
            observation = self.with_stated_refund(observation, payment).await?;
        }
        let recorded = self.store.record(observation).await?;
        let rejection = recorded.events().iter().find_map(|event| event.rejection());
        Ok(match rejection {
            Some(reason) => MessageOutcome::refused(reason, Some(recorded.transaction.id)),
            None => outcome_of(&recorded),
        })
    }
}
