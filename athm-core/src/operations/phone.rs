//! Updating the phone: sends the payment to another phone number.

use super::{OperationError, Operations};
use crate::models::{AttemptKind, BeginError, Initiator, Operation, PhoneNumber, StartedOperation, TransactionId};
use crate::provider::ProviderError;

/// How often the same phone is sent while the outcome is unknown.
const MAX_SENDS: u32 = 3;

impl Operations {
    pub(crate) async fn update_phone(&self, id: TransactionId, phone: &PhoneNumber) -> Result<(), OperationError> {
        let StartedOperation { intent_id, transaction, auth_token, .. } =
            match self.begin(id, Operation::UpdatePhone, AttemptKind::First, Initiator::Program, None).await? {
                Ok(started) => started,
                Err(BeginError::Ended(transaction)) => {
                    return Err(OperationError::Ended { id, status: transaction.status });
                }
                Err(_) => return Err(OperationError::NoAuthToken { id }),
            };
        let (Some(ecommerce_id), Some(token)) = (transaction.ecommerce_id, auth_token) else {
            return Err(OperationError::NoAuthToken { id });
        };
        // The provider doesn't show a payment's phone, so no lookup finds out whether a call without an answer took
        // effect. Setting the same phone again moves no money, and its answer says so.
        let mut updated = self.provider.update_phone(&ecommerce_id, &token, phone).await;
        for _ in 1..MAX_SENDS {
            if !updated.as_ref().is_err_and(ProviderError::is_outcome_unknown) {
                break;
            }
            updated = self.provider.update_phone(&ecommerce_id, &token, phone).await;
        }
        self.resolve(intent_id).await;
        Ok(updated?)
    }
}
