//! Cancelling: withdraws a payment that the customer has not paid yet.

use super::{OperationError, Operations};
use crate::models::{
    AttemptKind, BeginError, Initiator, Operation, Sender, StartedOperation, Status, Transaction, TransactionId,
};

impl Operations {
    pub(crate) async fn cancel(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        let StartedOperation { intent_id, transaction, .. } =
            match self.begin(id, Operation::Cancel, AttemptKind::First, Initiator::Program, None).await? {
                Ok(started) => started,
                Err(BeginError::Ended(transaction)) if transaction.status == Status::Completed => {
                    return Err(OperationError::Completed { id });
                }
                Err(BeginError::Ended(transaction)) => return Ok(*transaction),
                Err(_) => return Err(OperationError::NoAuthToken { id }),
            };
        let Some(ecommerce_id) = transaction.ecommerce_id else {
            return Err(OperationError::NoAuthToken { id });
        };
        let cancelled = self.provider.cancel(&ecommerce_id).await;
        let found = self.refresh(&transaction, Sender::CANCEL).await?;
        let is_known = match (&cancelled, &found) {
            (_, Some(found)) if found.status.is_final() => true,
            (Err(error), _) => !error.is_outcome_unknown(),
            (Ok(()), _) => false,
        };
        if is_known {
            self.resolve(intent_id).await;
        } else {
            self.leave_unresolved(intent_id).await;
        }
        match (cancelled, found) {
            // The customer was faster.
            (_, Some(found)) if found.status == Status::Completed => Err(OperationError::Completed { id }),
            (_, Some(found)) if matches!(found.status, Status::Cancelled | Status::Expired) => Ok(found),
            (Err(error), _) => Err(error.into()),
            // The provider accepted, and shows the cancellation in a moment.
            (Ok(()), found) => Ok(found.unwrap_or(transaction)),
        }
    }
}
