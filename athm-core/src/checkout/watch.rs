//! Watching: authorizes a checkout's payment as soon as its customer has approved it, whether a page is open or not.
//!
//! While at most 20 wait, each is looked up every second, so that an approval is noticed within a second. Beyond, they share
//! 20 questions a second: 60 that wait are looked up every 3 seconds each, the newest first. Which ones are due is in the
//! database: processes share the work. The sweeper polls them as well, like any open payment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use super::{CheckoutOperations, failure};
use crate::inbox::{Inbox, LOOKUP_LEASE, ProviderLookup, RateLimitClass};
use crate::models::{CheckoutState, EcommerceId, Initiator, PaymentKey, Sender, Status, Transaction};
use crate::operations::OperationError;
use crate::store::{AttemptOutcome, StoreError, WatchedPayment, WatchedPayments};
use crate::util::clock::later;
use crate::util::rate_limit::TokenBucket;
use crate::util::schedule::{NextRun, RunRequests, Schedule};
use crate::util::text::causes;

/// The pause between two lookups of one payment, while few wait.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How many lookups there are within that pause at most.
const PER_PAUSE: u32 = 20;
/// The pause after a lookup or an authorization that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(3);
/// How often due payments are searched when none is due here: another process may have died and left one.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// How long after its deadline a payment that is still open is looked up every second.
const WATCHED_AFTER_DEADLINE: Duration = Duration::from_secs(60);

/// The task that watches.
#[derive(Clone)]
pub(crate) struct CheckoutWatch {
    checkouts: CheckoutOperations,
    lookup: ProviderLookup,
    bucket: Arc<Mutex<TokenBucket>>,
    requests: RunRequests,
}

impl CheckoutWatch {
    pub(crate) fn new(checkouts: CheckoutOperations, lookup: ProviderLookup) -> Self {
        let bucket = TokenBucket::new(PER_PAUSE, PER_PAUSE, checkouts.inbox.clock.steady());
        Self { checkouts, lookup, bucket: Arc::new(Mutex::new(bucket)), requests: RunRequests::default() }
    }

    pub(crate) fn requests(&self) -> RunRequests {
        self.requests.clone()
    }

    /// Looks each payment up when it is due, until the store is closed.
    pub(crate) async fn watch(self) {
        let run = || async {
            self.look_at_due()
                .await
                .unwrap_or_else(|error| error.log_failed_run("waiting checkouts couldn't be read; tried again"))
        };
        let schedule = Schedule { clock: &self.checkouts.inbox.clock, max_wait: MAX_WAIT, requests: &self.requests };
        schedule.run(run, || self.checkouts.opened.notified()).await;
    }

    /// Looks at due payments, the newest first, no more than the rate limit allows now.
    async fn look_at_due(&self) -> Result<NextRun, StoreError> {
        let Inbox { store, clock, .. } = &self.checkouts.inbox;
        let now = clock.steady();
        let next = store.next_watched().await?;
        if next.is_none_or(|due| due > now) {
            return Ok(NextRun::Due(next));
        }
        let allowed = self.bucket().available(now);
        if allowed == 0 {
            return Ok(NextRun::Due(Some(self.bucket().next_token(now))));
        }
        let WatchedPayments { due, waiting } = store.take_watched(now, later(now, LOOKUP_LEASE), allowed).await?;
        if due.is_empty() {
            // Another process has them.
            return Ok(NextRun::Due(None));
        }
        self.bucket().spend(u32::try_from(due.len()).unwrap_or(u32::MAX), now);
        join_all(due.into_iter().map(|watched| self.look_at(watched, pause(waiting)))).await;
        Ok(NextRun::Now)
    }

    async fn look_at(&self, watched: WatchedPayment, pause: Duration) {
        let WatchedPayment { attempt, transaction } = watched;
        let Inbox { store, clock, .. } = &self.checkouts.inbox;
        let stored = match self.look_up(attempt, &transaction, pause).await {
            Ok(next) => store.reschedule_watched(attempt, next.map(|pause| later(clock.steady(), pause))).await,
            Err(error) => Err(error),
        };
        if let Err(error) = stored
            && !matches!(error, StoreError::Closed)
        {
            tracing::error!(payment = %transaction.id, error = causes(&error), "a waiting checkout's answer couldn't be stored; it is looked up again");
        }
    }

    /// Looks a payment up, and authorizes it once it is approved. Returns the pause before the next lookup; `None` when it
    /// has ended, or needs no close watch any more.
    async fn look_up(
        &self,
        attempt: Uuid,
        known: &Transaction,
        pause: Duration,
    ) -> Result<Option<Duration>, StoreError> {
        let Some(id) = known.ecommerce_id.filter(|_| !known.status.is_final()) else { return Ok(None) };
        let inbox = &self.checkouts.inbox;
        let answer = self.lookup.look_up(&PaymentKey::Ecommerce(id), Some(known), RateLimitClass::Known).await;
        let status = match answer {
            Some(Ok(observed)) => inbox.record(observed, Sender::SWEEPER).await?.transaction.status,
            Some(Err(error)) => {
                // The sweeper polls it, too, and warns.
                tracing::debug!(payment = %id, error = %causes(&error), "a waiting checkout couldn't be looked up; tried again");
                return Ok(Some(PAUSE_AFTER_FAILURE));
            }
            None => return Ok(Some(PAUSE_AFTER_FAILURE)),
        };
        let now = inbox.clock.now();
        let is_over = known.deadline.is_some_and(|deadline| later(deadline, WATCHED_AFTER_DEADLINE) < now);
        match status {
            Status::Confirmed => self.authorize(attempt, known, id).await,
            status if status.is_final() || is_over => Ok(None),
            _ => Ok(Some(pause)),
        }
    }

    async fn authorize(
        &self,
        attempt: Uuid,
        payment: &Transaction,
        id: EcommerceId,
    ) -> Result<Option<Duration>, StoreError> {
        let operations = &self.checkouts.operations;
        if self.is_paid_already(id).await? {
            tracing::error!(payment = %payment.id, "a payment was approved whose checkout is paid already: it is cancelled");
            // Where that fails, it expires: without an authorization no money moves.
            let _ = operations.cancel(payment.id).await;
            return Ok(None);
        }
        Ok(match operations.authorize(payment.id, Initiator::Schedule).await {
            Ok(_) | Err(OperationError::Ended { .. } | OperationError::NoAuthToken { .. }) => None,
            Err(error @ (OperationError::Mismatch { .. } | OperationError::Rejected { .. })) => {
                tracing::error!(payment = %payment.id, error = causes(&error), "an approved checkout isn't authorized: it takes a person");
                None
            }
            Err(error) => {
                tracing::warn!(payment = %payment.id, error = causes(&error), "an approved checkout couldn't be authorized; tried again");
                if matches!(&error, OperationError::Provider(refusal) if !refusal.is_outcome_unknown()) {
                    // The payment may end with it: the customer is to read why.
                    let outcome = AttemptOutcome::Failed { code: failure::code(&error) };
                    self.checkouts.inbox.store.finish_attempt(attempt, outcome).await?;
                    return Ok(Some(PAUSE));
                }
                Some(PAUSE_AFTER_FAILURE)
            }
        })
    }

    fn bucket(&self) -> MutexGuard<'_, TokenBucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn is_paid_already(&self, payment: EcommerceId) -> Result<bool, StoreError> {
        let Some(id) = self.checkouts.inbox.store.checkout_of(payment).await? else { return Ok(false) };
        let checkout = self.checkouts.find(id).await?;
        Ok(checkout.is_some_and(|checkout| checkout.state() == CheckoutState::Completed))
    }
}

/// The pause between two lookups of each payment, so that all that wait share the lookups.
fn pause(waiting: u32) -> Duration {
    PAUSE * waiting.div_ceil(PER_PAUSE).max(1)
}

#[test]
fn sixty_that_wait_are_looked_up_every_three_seconds() {
    for (waiting, seconds) in [(0, 1), (20, 1), (21, 2), (60, 3), (1000, 50)] {
        assert_eq!(pause(waiting), Duration::from_secs(seconds), "{waiting}");
    }
}
