//! Who paid: only the provider's search tells it, seconds to hours after the payment.

use std::time::Duration;

use super::Sweeper;
use super::schedule::until_next_search;
use crate::models::{Sender, Transaction, TransactionKind};
use crate::store::StoreError;
use crate::util::text::causes;

impl Sweeper {
    /// Searches, and records who paid. Returns the pause before the next search; `None` when the customer is known, or won't
    /// become known.
    pub(super) async fn search_customer(
        &self,
        known: &Transaction,
        attempt: u32,
    ) -> Result<Option<Duration>, StoreError> {
        let Some(reference) = known.reference_number.as_ref().filter(|_| known.customer.is_none()) else {
            return Ok(None);
        };
        match self.lookup.client.sending_once().find_by_reference(reference).await {
            Ok(found) if *found.kind() == TransactionKind::Refund => Ok(None),
            // The provider may name no customer: then none is recorded, and the search is over.
            Ok(found) => self.inbox.record(found, Sender::SWEEPER).await.map(|_| None),
            Err(error) => {
                let pause = until_next_search(attempt).map(|pause| self.jittered(pause));
                tracing::debug!(transaction = %known.id, attempt, error = %causes(&error), "the customer isn't known yet");
                Ok(pause)
            }
        }
    }
}
