//! Watching: authorizes a checkout's payment as soon as its customer has approved it, whether a page is open or not.
//!
//! While at most 20 wait, each is looked up every second, so that an approval is noticed within a second. Beyond, they share
//! 20 lookups a second: 60 that wait are looked up every 3 seconds each, the newest first. Which ones are due is in the
//! database: processes share the work. The sweeper polls them as well, like any open payment.
//!
//! A lookup or an authorization that takes long holds up no other: each goes on by itself while further payments are
//! claimed. A payment is due again a pause after it was claimed, not after it was answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{CheckoutOperations, failure};
use crate::inbox::{Inbox, LOOKUP_LEASE, ProviderLookup, RateLimitClass};
use crate::models::{CheckoutState, EcommerceId, Initiator, PaymentKey, Sender, Status, Transaction};
use crate::operations::OperationError;
use crate::store::{AttemptUpdate, StoreError, WatchedPayment, WatchedPayments};
use crate::util::clock::later;
use crate::util::rate_limit::TokenBucket;
use crate::util::schedule::{NextRun, RunRequests, Schedule};
use crate::util::text::causes;

/// The pause between two lookups of one payment, while few wait.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How many lookups are planned within that pause at most.
const PER_PAUSE: u32 = 20;
/// How many are allowed, so that what was held up is caught up with: without a reserve, the oldest would wait on and on.
const ALLOWED_PER_PAUSE: u32 = 25;
/// How many must be allowed before payments are claimed: claiming each by itself would be a commit each.
const MIN_BATCH: u32 = 5;
/// How many payments are looked up and authorized at once: what 5 seconds bring while the provider doesn't answer.
const MAX_AT_ONCE: usize = 100;
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
    places: Arc<Semaphore>,
    requests: RunRequests,
}

/// When a payment is looked up again.
enum NextLookup {
    /// As planned when it was claimed.
    WhenDue,
    /// Not before [`PAUSE_AFTER_FAILURE`].
    AfterFailure,
    /// It has ended, or needs no close watch any more.
    Never,
}

impl CheckoutWatch {
    pub(crate) fn new(checkouts: CheckoutOperations, lookup: ProviderLookup) -> Self {
        let bucket = TokenBucket::new(ALLOWED_PER_PAUSE, ALLOWED_PER_PAUSE, checkouts.inbox.clock.steady());
        let (bucket, places) = (Arc::new(Mutex::new(bucket)), Arc::new(Semaphore::new(MAX_AT_ONCE)));
        Self { checkouts, lookup, bucket, places, requests: RunRequests::default() }
    }

    pub(crate) fn requests(&self) -> RunRequests {
        self.requests.clone()
    }

    /// Looks each payment up when it is due, until the store is closed.
    pub(crate) async fn watch(self) {
        let run = || async {
            self.claim_due()
                .await
                .unwrap_or_else(|error| error.log_failed_run("waiting checkouts couldn't be read; tried again"))
        };
        let schedule = Schedule { clock: &self.checkouts.inbox.clock, max_wait: MAX_WAIT, requests: &self.requests };
        schedule.run(run, || self.checkouts.opened.notified()).await;
    }

    /// Claims due payments, the newest first, no more than the rate limit allows now, and begins to look at each.
    async fn claim_due(&self) -> Result<NextRun, StoreError> {
        let Inbox { store, clock, .. } = &self.checkouts.inbox;
        let now = clock.steady();
        let next = store.next_watched().await?;
        if next.is_none_or(|due| due > now) {
            return Ok(NextRun::Due(next));
        }
        let allowed = self.bucket().available(now);
        if allowed < MIN_BATCH {
            return Ok(NextRun::Due(Some(later(now, PAUSE * MIN_BATCH / ALLOWED_PER_PAUSE))));
        }
        let WatchedPayments { due, waiting } = store.claim_watched(now, later(now, LOOKUP_LEASE), allowed).await?;
        if due.is_empty() {
            // Another process has them.
            return Ok(NextRun::Due(None));
        }
        self.bucket().spend(u32::try_from(due.len()).unwrap_or(u32::MAX), now);
        let due_at = later(now, pause(waiting));
        for watched in due {
            // It is leased while it waits for a place.
            let place = Arc::clone(&self.places).acquire_owned().await;
            let (watch, begun) = (self.clone(), self.requests.begun());
            tokio::spawn(async move {
                watch.look_at(watched, due_at).await;
                drop((place, begun));
                // The watch is waiting for the time at which the lease ends.
                watch.checkouts.opened.notify_one();
            });
        }
        Ok(NextRun::Now)
    }

    /// Looks at a payment that was claimed, which is due again at that time.
    async fn look_at(&self, watched: WatchedPayment, due_at: Timestamp) {
        let WatchedPayment { attempt, transaction } = watched;
        let Inbox { store, clock, .. } = &self.checkouts.inbox;
        let stored = match self.look_up(attempt, &transaction).await {
            Ok(next) => {
                let due_at = match next {
                    NextLookup::WhenDue => Some(due_at),
                    NextLookup::AfterFailure => Some(due_at.max(later(clock.steady(), PAUSE_AFTER_FAILURE))),
                    NextLookup::Never => None,
                };
                store.reschedule_watched(attempt, due_at).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = stored
            && !matches!(error, StoreError::Closed)
        {
            tracing::error!(payment = %transaction.id, error = causes(&error), "a waiting checkout's answer couldn't be stored; it is looked up again");
        }
    }

    /// Looks a payment up, and authorizes it once it is approved.
    async fn look_up(&self, attempt: Uuid, payment: &Transaction) -> Result<NextLookup, StoreError> {
        let Some(id) = payment.ecommerce_id.filter(|_| !payment.status.is_final()) else {
            return Ok(NextLookup::Never);
        };
        let inbox = &self.checkouts.inbox;
        let answer = self.lookup.look_up(&PaymentKey::Ecommerce(id), Some(payment), RateLimitClass::Known).await;
        let status = match answer {
            Some(Ok(observed)) => inbox.record(observed, Sender::SWEEPER).await?.transaction.status,
            Some(Err(error)) => {
                // The sweeper polls it, too, and warns.
                tracing::debug!(payment = %id, error = %causes(&error), "a waiting checkout couldn't be looked up; tried again");
                return Ok(NextLookup::AfterFailure);
            }
            None => return Ok(NextLookup::AfterFailure),
        };
        let now = inbox.clock.now();
        let is_over = payment.deadline.is_some_and(|deadline| later(deadline, WATCHED_AFTER_DEADLINE) < now);
        match status {
            Status::Confirmed => self.authorize(attempt, payment, id).await,
            status if status.is_final() || is_over => Ok(NextLookup::Never),
            _ => Ok(NextLookup::WhenDue),
        }
    }

    async fn authorize(&self, attempt: Uuid, payment: &Transaction, id: EcommerceId) -> Result<NextLookup, StoreError> {
        let operations = &self.checkouts.operations;
        if self.is_paid_already(id).await? {
            tracing::error!(payment = %payment.id, "a payment was approved whose checkout is paid already: it is cancelled");
            // Where that fails, it expires: without an authorization no money moves.
            let _ = operations.cancel(payment.id).await;
            return Ok(NextLookup::Never);
        }
        Ok(match operations.authorize(payment.id, Initiator::Schedule).await {
            Ok(_) | Err(OperationError::Ended { .. } | OperationError::NoAuthToken { .. }) => NextLookup::Never,
            Err(error @ (OperationError::Mismatch { .. } | OperationError::Rejected { .. })) => {
                tracing::error!(payment = %payment.id, error = causes(&error), "an approved checkout isn't authorized: it takes a person");
                NextLookup::Never
            }
            Err(error) => {
                tracing::warn!(payment = %payment.id, error = causes(&error), "an approved checkout couldn't be authorized; tried again");
                if matches!(&error, OperationError::Provider(refusal) if !refusal.is_outcome_unknown()) {
                    // The payment may end with it: the customer is to read why.
                    let failed = AttemptUpdate::Failed { code: failure::code(&error) };
                    self.checkouts.inbox.store.update_attempt(attempt, failed).await?;
                    return Ok(NextLookup::WhenDue);
                }
                NextLookup::AfterFailure
            }
        })
    }

    fn bucket(&self) -> MutexGuard<'_, TokenBucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn is_paid_already(&self, payment: EcommerceId) -> Result<bool, StoreError> {
        let Some(id) = self.checkouts.inbox.store.checkout_of(payment).await? else { return Ok(false) };
        let checkout = super::find(&self.checkouts.inbox, id).await?;
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
