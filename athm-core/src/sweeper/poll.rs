//! How an open payment of ours stands.

use std::time::Duration;

use super::Sweeper;
use super::schedule::{is_well_past_deadline, until_next_poll};
use crate::inbox::RateLimitClass;
use crate::models::{PaymentKey, Sender, Status, Transaction, TransactionId};
use crate::store::StoreError;
use crate::util::text::causes;

impl Sweeper {
    /// Asks, and records what the provider says. Returns the pause before it is asked again; `None` when it has ended.
    pub(super) async fn poll(&self, known: &Transaction) -> Result<Option<Duration>, StoreError> {
        let Some(id) = known.ecommerce_id else { return Ok(None) };
        let status = match self.lookup.look_up(&PaymentKey::Ecommerce(id), Some(known), RateLimitClass::Known).await {
            Some(Ok(observed)) => {
                let observed = expired_by_now(known, observed);
                self.inbox.record(observed, Sender::SWEEPER).await?.transaction.status
            }
            Some(Err(error)) => {
                tracing::warn!(payment = %id, error = %causes(&error), "an open payment couldn't be polled; tried again");
                known.status.clone()
            }
            None => known.status.clone(),
        };
        if status.is_final() || (status == Status::Confirmed && self.authorize(known.id).await) {
            return Ok(None);
        }
        Ok(Some(self.jittered(until_next_poll(known, self.inbox.clock.now()))))
    }
}

impl Sweeper {
    /// Authorizes what the customer has approved, if that is to be done here, and tells whether it was.
    async fn authorize(&self, id: TransactionId) -> bool {
        let Some(operations) = &self.authorizing else { return false };
        match operations.authorize(id).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(transaction = %id, error = causes(&error), "an approved payment couldn't be authorized; it is looked after");
                false
            }
        }
    }
}

/// The provider says OPEN well past the deadline: nobody will approve it any more. One that was approved is never taken
/// for expired.
fn expired_by_now(known: &Transaction, observed: Transaction) -> Transaction {
    let is_open = known.status == Status::Open && observed.status == Status::Open;
    if is_open && is_well_past_deadline(known, observed.updated_at) {
        tracing::info!(transaction = %known.id, "the provider says OPEN long after the deadline: taken for expired");
        return Transaction { status: Status::Expired, ..observed };
    }
    observed
}
