//! Giving money back.

use super::{OperationError, Operations, RefundResolution};
use crate::callback::FieldError;
use crate::models::{
    AttemptKind, BeginError, NewRefund, Operation, OperationOutcome, OperationResult, RefundDetail, RefundId,
    RefundRecord, RefundState, ReportedRefund, Sender, StartedOperation, Transaction, TransactionId,
};
use crate::provider::{RefundRequest, Refunded};
use crate::receiver::BoxError;
use crate::store::{Origin, PaymentLookup, Record, RefundQuery};
use crate::util::text::causes;

impl Operations {
    /// What is to be given back is set aside before the provider is asked; it is asked once.
    pub(crate) async fn refund(&self, id: TransactionId, new: &NewRefund) -> Result<RefundRecord, OperationError> {
        new.validate()?;
        let started = match self.begin_refund(id, new).await? {
            Err(BeginError::RefundPending(earlier)) => {
                // Perhaps the provider shows by now what has become of it.
                self.reread(&earlier.1, Sender::REFUND).await?;
                self.begin_refund(id, new).await?
            }
            begun => begun,
        };
        match started {
            Ok(started) => self.give_back(started, new).await,
            Err(BeginError::RefundPending(earlier)) => Err(OperationError::RefundPending { id, refund: earlier.0 }),
            Err(BeginError::TooMuch { left }) => Err(OperationError::RefundTooMuch { id, left }),
            Err(BeginError::NotPaid(status)) => Err(OperationError::NotPaid { id, status }),
            Err(_) => Err(OperationError::UnknownTransaction { id }),
        }
    }

    async fn begin_refund(
        &self,
        id: TransactionId,
        new: &NewRefund,
    ) -> Result<Result<StartedOperation, BeginError>, OperationError> {
        self.begin_with(id, Operation::Refund, AttemptKind::First, new.amount).await
    }

    async fn give_back(&self, started: StartedOperation, new: &NewRefund) -> Result<RefundRecord, OperationError> {
        let StartedOperation { intent, transaction, refund, .. } = started;
        let id = transaction.id;
        let (Some(refund), Some(reference)) = (refund, transaction.reference_number.clone()) else {
            return Err(OperationError::UnknownTransaction { id });
        };
        let request = RefundRequest::new(reference, refund.amount);
        let request = new.message.iter().fold(request, RefundRequest::message);
        let error: BoxError = match self.provider.refund(&request).await {
            Ok(made) if made.amount == refund.amount => match self.done(&transaction, refund.id, made).await {
                Ok(kept) => return Ok(kept),
                Err(error) => error.into(),
            },
            Ok(_) => FieldError::new("refundedAmount", "expected what was asked for").into(),
            Err(error) if error.is_outcome_unknown() => error.into(),
            Err(error) => {
                self.finish_operation(OperationResult { intent, outcome: OperationOutcome::NotDone }).await;
                if error.tells_of_refunds() {
                    let _ = self.read_again(&transaction, refund.id).await;
                }
                return Err(error.into());
            }
        };
        match self.read_again(&transaction, refund.id).await {
            Ok(kept) if kept.state == RefundState::Done => Ok(kept),
            // From here on nothing else may be said: whoever hears of another error might ask again.
            _ => {
                self.unknown(intent).await;
                Err(OperationError::RefundUnknown { refund: refund.id, source: error })
            }
        }
    }

    /// How a refund stands by the provider's books.
    async fn read_again(&self, payment: &Transaction, refund: RefundId) -> Result<RefundRecord, OperationError> {
        let looked = async {
            self.reread(payment, Sender::REFUND).await?;
            self.kept(refund).await
        };
        looked.await.inspect_err(|error| {
            tracing::error!(payment = %payment.id, %refund, error = %causes(error), "a refund couldn't be looked after");
        })
    }

    /// The provider's own word that it was done: the ledger holds it from now on, whatever `find` shows meanwhile.
    async fn done(
        &self,
        payment: &Transaction,
        refund: RefundId,
        made: Refunded,
    ) -> Result<RefundRecord, OperationError> {
        let Refunded { amount, total_refunded, reference_number, daily_transaction_id, date } = made;
        let detail = RefundDetail { amount, reference_number, daily_transaction_id, date };
        let least = payment.refunded_amount.checked_add(amount).unwrap_or(payment.refunded_amount);
        let refunded_amount = total_refunded.unwrap_or(least).min(payment.total);
        let observed = Transaction { refunded_amount, updated_at: self.inbox.clock.now(), ..payment.clone() };
        let reported = vec![ReportedRefund { refund: Some(refund), detail }];
        let record =
            Record { observed, sender: Sender::REFUND, auth_token: None, reported, origin: Origin::Observation };
        self.inbox.store.record(record).await?;
        self.kept(refund).await
    }

    /// Whether it was done is a person's word.
    pub(crate) async fn resolve(
        &self,
        id: RefundId,
        resolution: RefundResolution,
    ) -> Result<RefundRecord, OperationError> {
        let refund = self.kept(id).await?;
        if refund.state != RefundState::Pending {
            return Err(OperationError::RefundNotOpen { id, state: refund.state });
        }
        let payment = self.inbox.store.find(PaymentLookup::Id(refund.transaction_id)).await?;
        let payment = payment.ok_or(OperationError::UnknownTransaction { id: refund.transaction_id })?;
        match resolution {
            RefundResolution::Done => {
                let made = RefundDetail::bare(refund.amount);
                let refunded_amount =
                    payment.refunded_amount.checked_add(refund.amount).unwrap_or(payment.refunded_amount);
                let observed = Transaction { refunded_amount, updated_at: self.inbox.clock.now(), ..payment };
                let reported = vec![ReportedRefund { refund: Some(id), detail: made }];
                self.inbox
                    .store
                    .record(Record {
                        observed,
                        sender: Sender::REFUND,
                        auth_token: None,
                        reported,
                        origin: Origin::Observation,
                    })
                    .await?;
            }
            RefundResolution::NotDone => {
                let now = self.inbox.clock.steady();
                if !self.inbox.store.give_up_refund(id, now).await? {
                    return Err(OperationError::RefundNotOpen { id, state: self.kept(id).await?.state });
                }
            }
        }
        self.kept(id).await
    }

    pub(super) async fn kept(&self, id: RefundId) -> Result<RefundRecord, OperationError> {
        let kept = self.inbox.store.refunds(RefundQuery::One(id)).await?.pop();
        kept.ok_or(OperationError::UnknownRefund { id })
    }
}
