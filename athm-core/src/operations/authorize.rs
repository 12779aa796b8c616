//! Authorizing: moves the money of a payment that the customer has approved.

use jiff::Timestamp;

use super::{OperationError, Operations};
use crate::models::{AttemptKind, BeginError, Operation, Sender, StartedOperation, Status, Transaction, TransactionId};

impl Operations {
    /// Concurrent calls make one call to the provider; the others wait for its result and return it.
    pub(crate) async fn authorize(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        match self.begin(id, Operation::Authorize, AttemptKind::First, None).await? {
            Ok(started) => self.call(started).await,
            Err(BeginError::Unresolved(transaction)) => {
                let read_at = self.inbox.clock.steady();
                match self.refresh(&transaction, Sender::AUTHORIZE).await? {
                    Some(found) if found.status == Status::Confirmed => self.authorize_again(id, read_at).await,
                    Some(found) if found.status.is_final() => ended(found),
                    _ => Err(OperationError::Unresolved { id }),
                }
            }
            Err(refused) => not_begun(id, refused),
        }
    }

    /// Authorizes again after the provider answered CONFIRM. An attempt that ended long enough before
    /// that reading has failed.
    pub(super) async fn authorize_again(
        &self,
        id: TransactionId,
        read_at: Timestamp,
    ) -> Result<Transaction, OperationError> {
        match self.begin(id, Operation::Authorize, AttemptKind::Again { read_at }, None).await? {
            Ok(started) => self.call(started).await,
            Err(refused) => not_begun(id, refused),
        }
    }

    async fn call(&self, started: StartedOperation) -> Result<Transaction, OperationError> {
        let StartedOperation { intent, transaction, auth_token, .. } = started;
        let id = transaction.id;
        let (Some(ecommerce_id), Some(token)) = (transaction.ecommerce_id, auth_token) else {
            return Err(OperationError::NoTicket { id });
        };
        let error = match self.provider.authorize(&ecommerce_id, &token).await {
            Ok(observed) => {
                let recorded = self.inbox.record(observed, Sender::AUTHORIZE).await?;
                self.resolve(intent).await;
                return Ok(recorded.transaction);
            }
            Err(error) => error,
        };
        if !error.is_not_confirmed() && !error.is_outcome_unknown() {
            self.resolve(intent).await;
            return Err(error.into());
        }
        // Another caller may have authorized it meanwhile, or this call may have succeeded with its answer lost.
        match self.refresh(&transaction, Sender::AUTHORIZE).await? {
            Some(found) if found.status == Status::Completed => {
                self.resolve(intent).await;
                Ok(found)
            }
            Some(found) if found.status.is_final() || (error.is_not_confirmed() && found.status == Status::Open) => {
                self.resolve(intent).await;
                Err(error.into())
            }
            _ => {
                self.leave_unresolved(intent).await;
                Err(error.into())
            }
        }
    }
}

fn not_begun(id: TransactionId, refused: BeginError) -> Result<Transaction, OperationError> {
    match refused {
        BeginError::Ended(transaction) => ended(*transaction),
        BeginError::Unresolved(_) => Err(OperationError::Unresolved { id }),
        _ => Err(OperationError::NoTicket { id }),
    }
}

/// A payment that is completed already is what the caller wanted.
fn ended(transaction: Transaction) -> Result<Transaction, OperationError> {
    match transaction.status {
        Status::Completed => Ok(transaction),
        status => Err(OperationError::Ended { id: transaction.id, status }),
    }
}
