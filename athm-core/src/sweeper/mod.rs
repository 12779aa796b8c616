//! Polling: asks the provider about payments on a schedule, without a message.
//!
//! A customer's phone sends no webhook when a checkout is declined or expires, and a browser may die before it reports
//! anything. So payments that we opened are [polled](poll) until they have ended. Of completed ones, the provider's search
//! says [who paid](customer), and where more are completed than may be searched, its [report](report).
//!
//! The schedule is in the database: a restart doesn't lose it, and processes that share a database share the work. Polls have
//! a rate limit of their own and run on athm's background runtime, so no receiver and no message waits for them.

mod customer;
mod poll;
mod report;
mod schedule;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;

use crate::inbox::{Inbox, LOOKUP_LEASE, ProviderLookup};
use crate::models::{Status, Transaction};
use crate::operations::Operations;
use crate::store::{PollLane, PollTask, Reschedule, StoreError};
use crate::util::backoff::Jitter;
use crate::util::clock::later;
use crate::util::rate_limit::TokenBucket;
use crate::util::schedule::{NextRun, RunRequests, Schedule};
use crate::util::text::causes;

/// How often due polls are searched when none is scheduled before: another process may have left some.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// How many polls run at once.
const MAX_CONCURRENT_POLLS: usize = 8;
/// How many polls are claimed at once, and how many where they are read from the report.
const MAX_POLLS: u32 = 16;
const MAX_REPORTED: u32 = 500;
/// Polls of a lane per second, and burst.
const RATE_LIMIT: (u32, u32) = (10, 20);
/// How late searches for customers may be before they are read from the report.
const MAX_SEARCH_DELAY: Duration = Duration::from_secs(2);

/// Which payments are authorized as soon as their customers have approved them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthorizationScope {
    /// Those of checkouts: their page promises it.
    Checkouts,
    /// All that were opened here: the program asked for that.
    All,
}

/// Runs the polls of one lane that are due: approved payments don't wait behind searches.
#[derive(Clone)]
pub(crate) struct Sweeper {
    inbox: Inbox,
    lookup: ProviderLookup,
    operations: Operations,
    authorized: AuthorizationScope,
    jitter: Arc<Jitter>,
    lane: PollLane,
    bucket: Arc<Mutex<TokenBucket>>,
    requests: RunRequests,
}

impl Sweeper {
    pub(crate) fn new(
        inbox: Inbox,
        lookup: ProviderLookup,
        operations: Operations,
        authorized: AuthorizationScope,
        jitter: Arc<Jitter>,
        lane: PollLane,
    ) -> Self {
        let bucket = TokenBucket::new(RATE_LIMIT.0, RATE_LIMIT.1, inbox.clock.steady());
        let (bucket, requests) = (Arc::new(Mutex::new(bucket)), RunRequests::default());
        Self { inbox, lookup, operations, authorized, jitter, lane, bucket, requests }
    }

    pub(crate) fn requests(&self) -> RunRequests {
        self.requests.clone()
    }

    /// Runs each poll when it is due, until the store is closed.
    pub(crate) async fn sweep(self) {
        let Inbox { clock, payment_confirmed, .. } = &self.inbox;
        let run = || async {
            self.run_due().await.unwrap_or_else(|error| error.log_failed_run("due polls couldn't be read; tried again"))
        };
        // A payment that the customer has just approved may have to be authorized. Only one lane may take the notification.
        let woken = || async {
            match self.lane {
                PollLane::Payment => payment_confirmed.notified().await,
                PollLane::Customer => pending().await,
            }
        };
        Schedule { clock, max_wait: MAX_WAIT, requests: &self.requests }.run(run, woken).await;
    }

    /// Runs a batch of due polls, no more than the rate limit allows now: what is claimed waits for nothing.
    async fn run_due(&self) -> Result<NextRun, StoreError> {
        let (store, now) = (&self.inbox.store, self.now());
        let next = store.next_due_poll(self.lane).await?;
        let Some(oldest) = next.filter(|due| *due <= now) else { return Ok(NextRun::Due(next)) };
        let allowed = self.bucket().available(now).min(MAX_POLLS);
        if allowed == 0 {
            return Ok(NextRun::Due(Some(self.bucket().next_token(now))));
        }
        let is_above_budget =
            self.lane == PollLane::Customer && allowed < MAX_POLLS && later(oldest, MAX_SEARCH_DELAY) < now;
        let limit = if is_above_budget { MAX_REPORTED } else { allowed };
        let claimed = store.claim_due_polls(self.lane, now, later(now, LOOKUP_LEASE), limit).await?;
        if claimed.is_empty() {
            // Another process has them.
            return Ok(NextRun::Due(None));
        }
        if is_above_budget {
            self.read_report(claimed).await;
        } else {
            self.spend(claimed.len());
            stream::iter(claimed).for_each_concurrent(MAX_CONCURRENT_POLLS, |poll| self.run(poll)).await;
        }
        Ok(NextRun::Now)
    }

    async fn run(&self, poll: PollTask) {
        let polled = match &poll.transaction.status {
            Status::Completed => {
                self.warn_of_surplus(&poll.transaction, poll.attempt).await;
                self.search_customer(&poll.transaction, poll.attempt).await
            }
            status if status.is_final() => Ok(None),
            _ => self.poll(&poll.transaction).await,
        };
        self.reschedule(&poll, polled).await;
    }

    /// Stores when the payment is polled next, after a poll that answered with the pause.
    async fn reschedule(
        &self,
        PollTask { transaction, attempt }: &PollTask,
        polled: Result<Option<Duration>, StoreError>,
    ) {
        let (id, attempt) = (transaction.id, *attempt);
        let stored = match polled {
            Ok(pause) => {
                let due_at = pause.map(|pause| later(self.now(), pause));
                self.inbox.store.reschedule_poll(Reschedule { transaction: id, attempt, due_at }).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = stored
            && !matches!(error, StoreError::Closed)
        {
            // The poll is due again when its lease ends.
            tracing::error!(transaction = %id, error = causes(&error), "the result of a poll couldn't be stored; it is polled again");
        }
    }

    /// A customer who paid a checkout twice is to get the money of one payment back: that takes a person.
    async fn warn_of_surplus(&self, payment: &Transaction, attempt: u32) {
        let Some(id) = payment.ecommerce_id.filter(|_| attempt == 1) else { return };
        let store = &self.inbox.store;
        let Ok(Some(checkout)) = store.checkout_of(id).await else { return };
        let Ok(Some(checkout)) = store.find_checkout(checkout, self.now()).await else { return };
        if checkout.surplus_payments().next().is_some() {
            tracing::error!(payment = %payment.id, "a checkout was paid twice: refund one of its payments");
        }
    }

    fn bucket(&self) -> MutexGuard<'_, TokenBucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes tokens for as many calls.
    fn spend(&self, calls: usize) {
        self.bucket().spend(u32::try_from(calls).unwrap_or(u32::MAX), self.now());
    }

    /// The pause, or up to a fifth more, so that payments opened together aren't polled together.
    fn jittered(&self, pause: Duration) -> Duration {
        self.jitter.between(pause, pause + pause / 5)
    }

    fn now(&self) -> Timestamp {
        self.inbox.clock.steady()
    }
}
