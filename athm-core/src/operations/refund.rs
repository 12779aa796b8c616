//! Refunding: gives money back to the customer.

use super::{OperationError, Operations, RefundResolution};
use crate::callback::FieldError;
use crate::models::{
    AttemptKind, BeginError, BeginResult, Initiator, NewRefund, Operation, OperationOutcome, OperationResult,
    RefundDetail, RefundId, RefundRecord, RefundState, ReportedRefund, Sender, StartedOperation, Transaction,
    TransactionId,
};
use crate::provider::{RefundRequest, Refunded};
use crate::receiver::BoxError;
use crate::store::{Observation, PaymentSelector, RefundQuery};
use crate::util::text::causes;

impl Operations {
    /// Reserves the amount, and asks the provider once.
    ///
    /// While an earlier refund has no known outcome, no further one begins: the payment is read from the provider first,
    /// which may show its outcome by now.
    pub(crate) async fn refund(&self, id: TransactionId, new: &NewRefund) -> Result<RefundRecord, OperationError> {
        new.validate()?;
        let begun = match self.begin_refund(id, new).await? {
            Err(BeginError::RefundPending(earlier)) => {
                self.refresh(&earlier.1, Sender::REFUND).await?;
                self.begin_refund(id, new).await?
            }
            begun => begun,
        };
        match begun {
            Ok(started) => self.call_refund(started, new).await,
            Err(BeginError::RefundPending(earlier)) => Err(OperationError::RefundPending { id, refund: earlier.0 }),
            Err(BeginError::TooMuch { left }) => Err(OperationError::RefundTooMuch { id, left }),
            Err(BeginError::NotPaid(status)) => Err(OperationError::NotPaid { id, status }),
            Err(_) => Err(OperationError::UnknownTransaction { id }),
        }
    }

    async fn begin_refund(&self, id: TransactionId, new: &NewRefund) -> Result<BeginResult, OperationError> {
        self.begin(id, Operation::Refund, AttemptKind::First, Initiator::Program, new.amount).await
    }

    async fn call_refund(&self, started: StartedOperation, new: &NewRefund) -> Result<RefundRecord, OperationError> {
        let StartedOperation { intent_id, transaction, refund, .. } = started;
        let id = transaction.id;
        let (Some(refund), Some(reference)) = (refund, transaction.reference_number.clone()) else {
            return Err(OperationError::UnknownTransaction { id });
        };
        let request = RefundRequest::new(reference, refund.amount);
        let request = new.message.iter().fold(request, RefundRequest::message);
        let error: BoxError = match self.provider.refund(&request).await {
            Ok(made) if made.amount == refund.amount => match self.record_done(&transaction, refund.id, made).await {
                Ok(done) => return Ok(done),
                Err(error) => error.into(),
            },
            Ok(_) => FieldError::new("refundedAmount", "the requested amount").into(),
            Err(error) if error.is_outcome_unknown() => error.into(),
            Err(error) => {
                self.finish(OperationResult { intent_id, outcome: OperationOutcome::NotDone }).await;
                if error.implies_unseen_refund() {
                    let _ = self.refreshed_refund(&transaction, refund.id).await;
                }
                return Err(error.into());
            }
        };
        match self.refreshed_refund(&transaction, refund.id).await {
            Ok(refund) if refund.state == RefundState::Done => Ok(refund),
            // Whatever else failed, the caller must get this error: another one might invite to repeat the refund.
            _ => {
                self.leave_unresolved(intent_id).await;
                Err(OperationError::RefundUnknown { refund: refund.id, source: error })
            }
        }
    }

    /// The refund's record after the payment was read from the provider.
    async fn refreshed_refund(&self, payment: &Transaction, id: RefundId) -> Result<RefundRecord, OperationError> {
        let refreshed = async {
            self.refresh(payment, Sender::REFUND).await?;
            self.refund_record(id).await
        };
        refreshed.await.inspect_err(|error| {
            tracing::error!(payment = %payment.id, refund = %id, error = %causes(error), "a refund's outcome couldn't be read");
        })
    }

    /// Records a refund that the provider has confirmed. From now on it is in the ledger, even while `findPayment` still
    /// shows the refunded amount from before.
    async fn record_done(
        &self,
        payment: &Transaction,
        id: RefundId,
        made: Refunded,
    ) -> Result<RefundRecord, OperationError> {
        let Refunded { amount, total_refunded, reference_number, daily_transaction_id, date } = made;
        let detail = RefundDetail { amount, reference_number, daily_transaction_id, date };
        // The answer may carry the sum from before this refund: what we know is the least.
        let least = payment.refunded_amount.checked_add(amount).unwrap_or(payment.refunded_amount);
        let refunded_amount = total_refunded.unwrap_or(least).max(least).min(payment.total);
        self.record_refund(id, detail, Transaction { refunded_amount, ..payment.clone() }).await
    }

    /// Stores what a person found out about a refund without a known outcome.
    pub(crate) async fn resolve_refund(
        &self,
        id: RefundId,
        resolution: RefundResolution,
    ) -> Result<RefundRecord, OperationError> {
        let refund = self.refund_record(id).await?;
        if refund.state != RefundState::Pending {
            return Err(OperationError::RefundNotPending { id, state: refund.state });
        }
        let payment = self.inbox.store.find(PaymentSelector::Id(refund.transaction_id)).await?;
        let payment = payment.ok_or(OperationError::UnknownTransaction { id: refund.transaction_id })?;
        match resolution {
            RefundResolution::Done => {
                let refunded_amount = payment.refunded_amount.checked_add(refund.amount);
                let refunded_amount = refunded_amount.unwrap_or(payment.refunded_amount);
                let detail = RefundDetail::bare(refund.amount);
                self.record_refund(id, detail, Transaction { refunded_amount, ..payment }).await
            }
            RefundResolution::NotDone => {
                let now = self.inbox.clock.steady();
                let was_pending = self.inbox.store.give_up_refund(id, now).await?;
                let refund = self.refund_record(id).await?;
                if was_pending { Ok(refund) } else { Err(OperationError::RefundNotPending { id, state: refund.state }) }
            }
        }
    }

    /// Records that a refund was done, with the payment as it is after it.
    async fn record_refund(
        &self,
        id: RefundId,
        detail: RefundDetail,
        payment: Transaction,
    ) -> Result<RefundRecord, OperationError> {
        let observed = Transaction { updated_at: self.inbox.clock.now(), ..payment };
        let reported = vec![ReportedRefund { refund: Some(id), detail }];
        self.inbox.store.record(Observation { reported, ..Observation::new(observed, Sender::REFUND) }).await?;
        self.refund_record(id).await
    }

    pub(super) async fn refund_record(&self, id: RefundId) -> Result<RefundRecord, OperationError> {
        let found = self.inbox.store.list_refunds(RefundQuery::One(id)).await?.pop();
        found.ok_or(OperationError::UnknownRefund { id })
    }
}
