//! Authorizing: moves the money of a payment that the customer has approved.

use jiff::Timestamp;

use super::{OperationError, Operations};
use crate::models::{
    AttemptKind, BeginError, Initiator, Operation, Sender, StartedOperation, Status, Transaction, TransactionId,
    Transition,
};

impl Operations {
    /// Concurrent calls make one call to the provider; the others wait for its result and return it.
    pub(crate) async fn authorize(
        &self,
        id: TransactionId,
        initiator: Initiator,
    ) -> Result<Transaction, OperationError> {
        match self.begin(id, Operation::Authorize, AttemptKind::First, initiator, None).await? {
            Ok(started) => self.call(started).await,
            Err(BeginError::Unresolved(transaction)) => {
                let read_at = self.inbox.clock.steady();
                match self.refresh(&transaction, Sender::AUTHORIZE).await? {
                    Some(found) if found.status == Status::Confirmed => {
                        self.authorize_again(id, read_at, initiator).await
                    }
                    Some(found) if found.status.is_final() => self.completed(found).await,
                    _ => Err(OperationError::Unresolved { id }),
                }
            }
            Err(refused) => self.not_begun(id, refused).await,
        }
    }

    /// Authorizes again after the provider answered CONFIRM. An attempt that ended long enough before
    /// that reading has failed.
    pub(super) async fn authorize_again(
        &self,
        id: TransactionId,
        read_at: Timestamp,
        initiator: Initiator,
    ) -> Result<Transaction, OperationError> {
        match self.begin(id, Operation::Authorize, AttemptKind::Again { read_at }, initiator, None).await? {
            Ok(started) => self.call(started).await,
            Err(refused) => self.not_begun(id, refused).await,
        }
    }

    async fn call(&self, started: StartedOperation) -> Result<Transaction, OperationError> {
        let StartedOperation { intent_id, transaction, auth_token, .. } = started;
        let id = transaction.id;
        let (Some(ecommerce_id), Some(token)) = (transaction.ecommerce_id, auth_token) else {
            return Err(OperationError::NoAuthToken { id });
        };
        let error = match self.provider.authorize(&ecommerce_id, &token).await {
            Ok(observed) => {
                // If this fails the intent stays, so that recovery reads the payment and records it.
                let recorded = self.inbox.record(observed, Sender::AUTHORIZE).await?;
                self.resolve(intent_id).await;
                let is_news = recorded.events.iter().any(|event| event.transition == Transition::Completed);
                let is_rejected = recorded.events.iter().any(|event| event.rejection.is_some());
                if is_news && !is_rejected {
                    return Ok(recorded.transaction);
                }
                return self.completed(recorded.transaction).await;
            }
            Err(error) => error,
        };
        if !error.is_not_confirmed() && !error.is_outcome_unknown() {
            self.resolve(intent_id).await;
            return Err(error.into());
        }
        // Another caller may have authorized it meanwhile, or this call may have succeeded with its answer lost.
        match self.refresh(&transaction, Sender::AUTHORIZE).await? {
            Some(found) if found.status == Status::Completed => {
                self.resolve(intent_id).await;
                self.completed(found).await
            }
            Some(found) if found.status.is_final() || (error.is_not_confirmed() && found.status == Status::Open) => {
                self.resolve(intent_id).await;
                Err(error.into())
            }
            _ => {
                self.leave_unresolved(intent_id).await;
                Err(error.into())
            }
        }
    }

    async fn not_begun(&self, id: TransactionId, refused: BeginError) -> Result<Transaction, OperationError> {
        match refused {
            BeginError::Ended(transaction) => self.completed(*transaction).await,
            BeginError::Unresolved(_) => Err(OperationError::Unresolved { id }),
            BeginError::Mismatch { expected, total } => Err(OperationError::Mismatch { id, expected, total }),
            BeginError::Rejected { reason, status } => Err(OperationError::Rejected { id, status, reason }),
            BeginError::CancelUnresolved => Err(OperationError::CancelUnresolved { id }),
            _ => Err(OperationError::NoAuthToken { id }),
        }
    }

    /// The payment, if it was paid and nothing about that is wrong. What a check has refused, and another total than the
    /// expected one, fire no `completed`: the caller must know.
    async fn completed(&self, payment: Transaction) -> Result<Transaction, OperationError> {
        let (id, status) = (payment.id, payment.status.clone());
        if status != Status::Completed {
            return Err(OperationError::Ended { id, status });
        }
        if let Some(expected) = payment.mismatch() {
            return Err(OperationError::Mismatch { id, expected, total: payment.total });
        }
        let events = self.inbox.store.list_events(id).await?;
        let rejected = events.into_iter().find(|event| event.transition == Transition::Completed);
        match rejected.and_then(|event| event.rejection) {
            Some(reason) => Err(OperationError::Rejected { id, status, reason }),
            None => Ok(payment),
        }
    }
}
