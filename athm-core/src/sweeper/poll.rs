//! Polling an open payment that we opened.

use std::time::Duration;

use super::schedule::{is_well_past_deadline, until_next_poll};
use super::{AuthorizationScope, Sweeper};
use crate::inbox::RateLimitClass;
use crate::models::{EcommerceId, Initiator, PaymentKey, Sender, Status, Transaction, TransactionId};
use crate::operations::OperationError;
use crate::store::StoreError;
use crate::util::text::causes;

impl Sweeper {
    /// Looks the payment up, and records the answer. Returns the pause before the next poll; `None` when it has ended.
    pub(super) async fn poll(&self, payment: &Transaction) -> Result<Option<Duration>, StoreError> {
        let Some(id) = payment.ecommerce_id else { return Ok(None) };
        let status = match self.lookup.look_up(&PaymentKey::Ecommerce(id), Some(payment), RateLimitClass::Known).await {
            Some(Ok(observed)) => {
                let observed = with_expiry(payment, observed);
                self.inbox.record(observed, Sender::SWEEPER).await?.transaction.status
            }
            Some(Err(error)) => {
                tracing::warn!(payment = %id, error = %causes(&error), "an open payment couldn't be polled; tried again");
                payment.status.clone()
            }
            None => payment.status.clone(),
        };
        if status.is_final() || (status == Status::Confirmed && self.authorize(payment.id, id).await?) {
            return Ok(None);
        }
        Ok(Some(self.jittered(until_next_poll(payment, self.inbox.clock.now()))))
    }

    /// Authorizes a payment that the customer has approved, if it is a checkout's, or the program asked for that. Returns
    /// whether it did.
    async fn authorize(&self, id: TransactionId, of: EcommerceId) -> Result<bool, StoreError> {
        let is_wanted = self.authorized == AuthorizationScope::All || self.inbox.store.checkout_of(of).await?.is_some();
        if !is_wanted {
            return Ok(false);
        }
        Ok(match self.operations.authorize(id, Initiator::Schedule).await {
            Ok(_) => true,
            Err(error @ (OperationError::Mismatch { .. } | OperationError::Rejected { .. })) => {
                tracing::error!(transaction = %id, error = causes(&error), "an approved payment isn't authorized: it takes a person");
                false
            }
            Err(error) => {
                tracing::warn!(transaction = %id, error = causes(&error), "an approved payment couldn't be authorized; tried again");
                false
            }
        })
    }
}

/// The answer, with expiry in place of OPEN well past the deadline: a customer can't approve it any more. A payment that was
/// approved never counts as expired.
fn with_expiry(payment: &Transaction, observed: Transaction) -> Transaction {
    let is_open = payment.status == Status::Open && observed.status == Status::Open;
    if is_open && is_well_past_deadline(payment, observed.updated_at) {
        tracing::info!(transaction = %payment.id, "the provider says OPEN long after the deadline: recorded as expired");
        return Transaction { status: Status::Expired, ..observed };
    }
    observed
}
