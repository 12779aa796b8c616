//! Updating the phone: sends the payment to another phone number.

use super::{OperationError, Operations};
use crate::models::{AttemptKind, BeginError, Operation, PhoneNumber, StartedOperation, TransactionId};

impl Operations {
    pub(crate) async fn update_phone(&self, id: TransactionId, phone: &PhoneNumber) -> Result<(), OperationError> {
        let StartedOperation { intent, transaction, auth_token, .. } =
            match self.begin(id, Operation::UpdatePhone, AttemptKind::First, None).await? {
                Ok(started) => started,
                Err(BeginError::Ended(transaction)) => {
                    return Err(OperationError::Ended { id, status: transaction.status });
                }
                Err(_) => return Err(OperationError::NoTicket { id }),
            };
        let (Some(ecommerce_id), Some(token)) = (transaction.ecommerce_id, auth_token) else {
            return Err(OperationError::NoTicket { id });
        };
        let updated = self.provider.update_phone(&ecommerce_id, &token, phone).await;
        // The provider doesn't show a payment's phone, so the outcome can't be found out later. Asking again is harmless.
        self.resolve(intent).await;
        Ok(updated?)
    }
}
