//! Who paid: the provider's search alone tells, and some time after the payment.

use std::time::Duration;

use super::Sweeper;
use super::schedule::until_next_search;
use crate::models::{Sender, Transaction, TransactionKind};
use crate::store::StoreError;
use crate::util::text::causes;

impl Sweeper {
    /// Searches, and records who paid. Returns the pause before it is searched again; `None` when that is known, or will
    /// not be.
    pub(super) async fn ask_who_paid(&self, known: &Transaction, attempt: u32) -> Result<Option<Duration>, StoreError> {
        let Some(reference) = known.reference_number.as_ref().filter(|_| known.customer.is_none()) else {
            return Ok(None);
        };
        match self.lookup.client.sending_once().find_by_reference(reference).await {
            Ok(found) if *found.kind() == TransactionKind::Refund => Ok(None),
            // The provider may name nobody: then nobody is named.
            Ok(found) => self.inbox.record(found, Sender::SWEEPER).await.map(|_| None),
            Err(error) => {
                let pause = until_next_search(attempt).map(|pause| self.jittered(pause));
                tracing::debug!(transaction = %known.id, attempt, error = %causes(&error), "who paid isn't known yet");
                Ok(pause)
            }
        }
    }
}
