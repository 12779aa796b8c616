//! Who paid, read from the provider's report: on a busy day, one call instead of a search for each payment.
//!
//! The searches that are due are sorted by when the payments were made, and cut into slices of [`SLICE`]. Each slice is one
//! call, which takes one token of the rate limit, however many customers it names; the calls are made one after another. What
//! the report doesn't list yet is searched again as after a search that found nothing.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{MAX_CONCURRENT_POLLS, Sweeper};
use crate::models::{ReferenceNumber, Transaction, TransactionKind};
use crate::store::{PollTask, StoreError};
use crate::util::clock::{earlier, later};
use crate::util::text::causes;

/// The longest time that one call asks about.
const SLICE: Duration = Duration::from_secs(15 * 60);
/// How far the provider's time of a payment may be from ours, which is used where its own isn't known.
const MARGIN: Duration = Duration::from_secs(60);

impl Sweeper {
    /// Finds out who paid these payments, by as few calls as possible.
    pub(super) async fn read_report(&self, mut polls: Vec<PollTask>) {
        polls.sort_by_key(|poll| paid_at(&poll.transaction));
        let mut slice = Vec::new();
        for poll in polls {
            let start = slice.first().map(|first: &PollTask| paid_at(&first.transaction));
            if start.is_some_and(|start| later(start, SLICE) < paid_at(&poll.transaction)) {
                self.read_slice(std::mem::take(&mut slice)).await;
            }
            slice.push(poll);
        }
        self.read_slice(slice).await;
    }

    async fn read_slice(&self, polls: Vec<PollTask>) {
        let (Some(first), Some(last)) = (polls.first(), polls.last()) else { return };
        let from = earlier(paid_at(&first.transaction), MARGIN);
        let until = later(paid_at(&last.transaction), MARGIN).min(self.inbox.clock.now());
        self.spend(1);
        let listed = match self.lookup.client.sending_once().report(from, until).await {
            Ok(listed) => by_reference(listed),
            Err(error) => {
                tracing::debug!(payments = polls.len(), error = %causes(&error), "the customers aren't known yet");
                HashMap::new()
            }
        };
        tracing::debug!(payments = polls.len(), listed = listed.len(), "customers are read from the report");
        let listed = &listed;
        let each = stream::iter(polls).for_each_concurrent(MAX_CONCURRENT_POLLS, |poll| async move {
            self.warn_of_surplus(&poll.transaction, poll.attempt).await;
            let paused = self.take_from(listed, &poll).await;
            self.reschedule(&poll, paused).await;
        });
        each.await;
    }

    /// Returns the pause before the next search; `None` when the customer is known.
    async fn take_from(
        &self,
        listed: &HashMap<ReferenceNumber, Transaction>,
        PollTask { transaction, attempt }: &PollTask,
    ) -> Result<Option<Duration>, StoreError> {
        let Some(reference) = transaction.reference_number.as_ref().filter(|_| transaction.customer.is_none()) else {
            return Ok(None);
        };
        match listed.get(reference) {
            Some(found) => self.record_customer(found.clone(), *attempt).await,
            None => Ok(self.pause_after_search(*attempt)),
        }
    }
}

fn by_reference(listed: Vec<Transaction>) -> HashMap<ReferenceNumber, Transaction> {
    let payments = listed.into_iter().filter(|entry| entry.kind != TransactionKind::Refund);
    payments.filter_map(|entry| Some((entry.reference_number.clone()?, entry))).collect()
}

/// When the money moved, or when we saw it first.
fn paid_at(payment: &Transaction) -> Timestamp {
    payment.date.unwrap_or(payment.created_at)
}
