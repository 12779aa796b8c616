//! ProviderLookup the provider about payments although no message says so.
//!
//! A customer's phone sends no webhook when a checkout is declined or its time is over, and a browser may die before it
//! says anything: payments that we opened are polled until they have ended. Of completed ones it is searched who paid.
//!
//! What is to be asked is in the database, so that no restart loses it, and so that processes that share one share the
//! work. It is asked with a budget of its own, on the house's runtime: no receiver and no message waits for it.

mod customer;
mod poll;
mod schedule;

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::select;
use futures_util::stream;
use jiff::Timestamp;

use crate::inbox::{Inbox, LOOKUP_LEASE, ProviderLookup};
use crate::models::Status;
use crate::operations::Operations;
use crate::outbox::Retry;
use crate::store::{PollTask, Reschedule, StoreError};
use crate::util::clock::later;
use crate::util::rate_limit::TokenBucket;
use crate::util::text::causes;

/// How often to look around when nothing is due before: another process may have left something.
const ROUND: Duration = Duration::from_secs(5);
/// How long to wait after something has failed.
const BREATH: Duration = Duration::from_secs(1);
/// How many questions are under way at once.
const AT_ONCE: usize = 8;
/// How many questions a second, and at once after a quiet time.
const BUDGET: (u32, u32) = (10, 20);

/// Runs the errands.
#[derive(Clone)]
pub(crate) struct Sweeper {
    inbox: Inbox,
    lookup: ProviderLookup,
    /// What the customer has approved is authorized with these, if it is to be.
    authorizing: Option<Operations>,
    retry: Arc<Retry>,
    budget: Arc<Mutex<TokenBucket>>,
}

impl Sweeper {
    pub(crate) fn new(
        inbox: Inbox,
        lookup: ProviderLookup,
        authorizing: Option<Operations>,
        retry: Arc<Retry>,
    ) -> Self {
        let budget = TokenBucket::new(BUDGET.0, BUDGET.1, inbox.clock.steady());
        Self { inbox, lookup, authorizing, retry, budget: Arc::new(Mutex::new(budget)) }
    }

    /// Runs what is due, as its time comes.
    pub(crate) async fn sweep(self) {
        loop {
            match self.round().await {
                Ok(0) => self.wait().await,
                Ok(_) => {}
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(error = causes(&error), "open payments couldn't be looked after; tried again");
                    self.inbox.clock.sleep_until(later(self.now(), BREATH)).await;
                }
            }
        }
    }

    /// Runs some of what is due. Tells how much.
    async fn round(&self) -> Result<usize, StoreError> {
        let (store, now) = (&self.inbox.store, self.now());
        if store.next_poll().await?.is_none_or(|due| due > now) {
            return Ok(0);
        }
        let taken = store.polls(now, later(now, LOOKUP_LEASE)).await?;
        let count = taken.len();
        stream::iter(taken).for_each_concurrent(AT_ONCE, |poll| self.run(poll)).await;
        Ok(count)
    }

    async fn run(&self, poll: PollTask) {
        self.admit().await;
        let PollTask { transaction, attempt } = poll;
        let id = transaction.id;
        let ended = match &transaction.status {
            Status::Completed => self.ask_who_paid(&transaction, attempt).await,
            status if status.is_final() => Ok(None),
            _ => self.poll(&transaction).await,
        };
        let ended = match ended {
            Ok(pause) => {
                let due_at = pause.map(|pause| later(self.now(), pause));
                self.inbox.store.reschedule(Reschedule { transaction: id, attempt, due_at }).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            // It comes again when its lease ends.
            tracing::error!(transaction = %id, error = causes(&error), "what the provider says couldn't be recorded");
        }
    }

    /// Until a payment's turn has come, or one is approved that is to be authorized.
    async fn wait(&self) {
        let look_around = later(self.now(), ROUND);
        let due = self.inbox.store.next_poll().await.ok().flatten();
        let time = pin!(self.inbox.clock.sleep_until(due.map_or(look_around, |due| due.min(look_around))));
        let approved = pin!(self.inbox.payment_confirmed.notified());
        select(time, approved).await;
    }

    /// Waits until another question may be asked.
    async fn admit(&self) {
        while !self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(self.now()) {
            self.inbox.clock.sleep_until(later(self.now(), Duration::from_secs(1) / BUDGET.0)).await;
        }
    }

    /// That long, or up to a fifth longer, so that payments that were opened together don't stay together.
    fn jittered(&self, pause: Duration) -> Duration {
        self.retry.between(pause, pause + pause / 5)
    }

    fn now(&self) -> Timestamp {
        self.inbox.clock.steady()
    }
}
