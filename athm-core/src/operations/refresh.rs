//! Refreshing: asks the provider about one payment because a page waits for it.

use super::{OperationError, Operations};
use crate::inbox::RateLimitClass;
use crate::models::{Initiator, Sender, Status, Transaction, TransactionId};
use crate::store::PaymentSelector;

impl Operations {
    /// The payment as the provider reports it now; as it is recorded, when the rate limit of refreshes is reached.
    pub(crate) async fn refresh_now(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.look_up(id).await.map(|(payment, _)| payment)
    }

    /// The same. What the customer has approved by the provider's own answer just now is authorized, if it was opened here.
    pub(crate) async fn refresh_and_authorize(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        let (payment, is_fresh) = self.look_up(id).await?;
        if !is_fresh || payment.status != Status::Confirmed || payment.deadline.is_none() {
            return Ok(payment);
        }
        match self.authorize(id, Initiator::Program).await {
            // It was cancelled, or it expired, between the two calls.
            Err(OperationError::Ended { .. }) => self.find_recorded(id).await,
            authorized => authorized,
        }
    }

    /// The payment, and whether the provider was asked.
    async fn look_up(&self, id: TransactionId) -> Result<(Transaction, bool), OperationError> {
        let recorded = self.find_recorded(id).await?;
        let (Some(lookup), Some(key)) = (&self.inbox.lookup, recorded.key()) else { return Ok((recorded, false)) };
        let Some(answer) = lookup.look_up(&key, Some(&recorded), RateLimitClass::Refresh).await else {
            return Ok((recorded, false));
        };
        let observed = answer.map_err(OperationError::Lookup)?;
        Ok((self.inbox.record(observed, Sender::REFRESH).await?.transaction, true))
    }

    async fn find_recorded(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        let found = self.inbox.store.find(PaymentSelector::Id(id)).await?;
        found.ok_or(OperationError::UnknownTransaction { id })
    }
}
