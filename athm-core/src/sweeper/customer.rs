//! Who paid: only the provider's search says it, seconds to hours after the payment.

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
        payment: &Transaction,
        attempt: u32,
    ) -> Result<Option<Duration>, StoreError> {
        let Some(reference) = payment.reference_number.as_ref().filter(|_| payment.customer.is_none()) else {
            return Ok(None);
        };
        match self.lookup.client.sending_once().find_by_reference(reference).await {
            Ok(found) if *found.kind() == TransactionKind::Refund => Ok(None),
            Ok(found) => self.record_customer(found, attempt).await,
            Err(error) => {
                tracing::debug!(transaction = %payment.id, attempt, error = %causes(&error), "the customer isn't known yet");
                Ok(self.pause_after_search(attempt))
            }
        }
    }

    /// Records what the provider lists of a payment. It may name no customer yet: then it is asked again.
    pub(super) async fn record_customer(
        &self,
        found: Transaction,
        attempt: u32,
    ) -> Result<Option<Duration>, StoreError> {
        let recorded = self.inbox.record(found, Sender::SWEEPER).await?;
        Ok(if recorded.transaction.customer.is_some() { None } else { self.pause_after_search(attempt) })
    }

    pub(super) fn pause_after_search(&self, attempt: u32) -> Option<Duration> {
        until_next_search(attempt).map(|pause| self.jittered(pause))
    }
}
