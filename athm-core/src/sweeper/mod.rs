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
use std::sync::{Arc, Mutex, PoisonError};
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
use crate::util::schedule::{NextRun, Schedule};
use crate::util::text::causes;

/// How often due polls are searched when none is scheduled before: another process may have left some.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// How many polls run at once.
const MAX_CONCURRENT_POLLS: usize = 8;
/// How many polls are taken at once, and how many more where they are read from the report.
const MAX_POLLS: u32 = 16;
const MAX_REPORTED: u32 = 500;
/// Polls of a lane per second, and burst.
const RATE_LIMIT: (u32, u32) = (10, 20);

/// Which payments are authorized as soon as their customers have approved them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorizes {
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
    authorizes: Authorizes,
    jitter: Arc<Jitter>,
    lane: PollLane,
    bucket: Arc<Mutex<TokenBucket>>,
}

impl Sweeper {
    pub(crate) fn new(
        inbox: Inbox,
        lookup: ProviderLookup,
        operations: Operations,
        authorizes: Authorizes,
        jitter: Arc<Jitter>,
        lane: PollLane,
    ) -> Self {
        let bucket = TokenBucket::new(RATE_LIMIT.0, RATE_LIMIT.1, inbox.clock.steady());
        Self { inbox, lookup, operations, authorizes, jitter, lane, bucket: Arc::new(Mutex::new(bucket)) }
    }

    /// Runs each poll when it is due, until the store is closed.
    pub(crate) async fn sweep(self) {
        let Inbox { store, clock, payment_confirmed, .. } = &self.inbox;
        let run = || async {
            match self.run_due().await {
                Ok(0) => NextRun::Due(store.next_due_poll(self.lane).await.ok().flatten()),
                Ok(_) => NextRun::Now,
                Err(error) => error.log_failed_run("due polls couldn't be read; tried again"),
            }
        };
        // A payment that the customer has just approved may have to be authorized. Only one lane may take the notification.
        let woken = || async {
            match self.lane {
                PollLane::Payment => payment_confirmed.notified().await,
                PollLane::Customer => pending().await,
            }
        };
        Schedule { clock, max_wait: MAX_WAIT }.run(run, woken).await;
    }

    /// Runs a batch of due polls, and returns how many.
    async fn run_due(&self) -> Result<usize, StoreError> {
        let (store, now) = (&self.inbox.store, self.now());
        if store.next_due_poll(self.lane).await?.is_none_or(|due| due > now) {
            return Ok(0);
        }
        let lease = later(now, LOOKUP_LEASE);
        let mut taken = store.claim_due_polls(self.lane, now, lease, MAX_POLLS).await?;
        if self.is_above_budget(taken.len()) {
            taken.extend(store.claim_due_polls(self.lane, now, lease, MAX_REPORTED).await?);
            let count = taken.len();
            self.read_report(taken).await;
            return Ok(count);
        }
        let count = taken.len();
        stream::iter(taken).for_each_concurrent(MAX_CONCURRENT_POLLS, |poll| self.run(poll)).await;
        Ok(count)
    }

    async fn run(&self, poll: PollTask) {
        self.wait_for_rate_limit().await;
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

    /// Whether more searches are due than the rate limit allows now.
    fn is_above_budget(&self, due: usize) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        self.lane == PollLane::Customer && due == MAX_POLLS as usize && !bucket.has(MAX_POLLS, self.now())
    }

    /// Waits until the rate limit allows another poll.
    async fn wait_for_rate_limit(&self) {
        while !self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(self.now()) {
            self.inbox.clock.sleep_until(later(self.now(), Duration::from_secs(1) / RATE_LIMIT.0)).await;
        }
    }

    /// The pause, or up to a fifth more, so that payments opened together aren't polled together.
    fn jittered(&self, pause: Duration) -> Duration {
        self.jitter.between(pause, pause + pause / 5)
    }

    fn now(&self) -> Timestamp {
        self.inbox.clock.steady()
    }
}
