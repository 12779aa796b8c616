//! Background tasks: those that poll, retry and recover on a schedule, and pruning old rows.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;

use crate::checkout::CheckoutWatch;
use crate::inbox::{CopyPolicy, Inbox};
use crate::models::PushLimits;
use crate::operations::Operations;
use crate::store::{RetentionCutoffs, StoreError};
use crate::sweeper::Sweeper;
use crate::util::clock::{Clock, earlier};
use crate::util::schedule::{NextRun, PAUSE_AFTER_FAILURE, RunRequests, Schedule};

/// How often due messages are searched when none is scheduled before.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// How long the provider's authorization tokens are valid.
const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Whether this process polls payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SweeperMode {
    #[default]
    Always,
    Never,
}

/// How long rows that have ended are kept. Payments and their events are never deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    /// Deliveries that succeeded or are dead, and refunds that belong to no payment.
    pub(super) ended: Duration,
    /// Copies of recorded and of pending messages; 0: none are stored.
    pub(super) recorded_messages: Duration,
    /// Copies of refused and of unmatched messages; 0: none are stored.
    pub(super) refused_messages: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { ended: 90 * day, recorded_messages: 30 * day, refused_messages: 7 * day }
    }
}

impl Retention {
    /// Of which messages copies are stored.
    pub(super) fn copies(self) -> CopyPolicy {
        CopyPolicy { recorded: !self.recorded_messages.is_zero(), refused: !self.refused_messages.is_zero() }
    }

    fn before(self, clock: &Clock) -> RetentionCutoffs {
        let (now, steady) = (clock.now(), clock.steady());
        RetentionCutoffs {
            tokens: earlier(now, TOKEN_LIFETIME),
            deliveries: earlier(steady, self.ended),
            recorded_messages: earlier(now, self.recorded_messages),
            refused_messages: earlier(now, self.refused_messages),
            unmatched: earlier(now, self.ended),
            pushes: earlier(now, PushLimits::WINDOW),
        }
    }
}

/// The tasks that run when something in the database is due.
pub(super) struct ScheduledTasks {
    pub(super) sweepers: Vec<Sweeper>,
    pub(super) watch: Option<CheckoutWatch>,
    pub(super) operations: Option<Operations>,
    pub(super) inbox: Inbox,
    pub(super) retention: Retention,
    /// The requests of the task that retries pending messages.
    pub(super) maintenance: RunRequests,
}

impl ScheduledTasks {
    /// Where a run of each can be requested.
    pub(super) fn requests(&self) -> Vec<RunRequests> {
        let sweepers = self.sweepers.iter().map(Sweeper::requests);
        let watch = self.watch.iter().map(CheckoutWatch::requests);
        let operations = self.operations.iter().flat_map(Operations::requests);
        sweepers.chain(watch).chain(operations).chain([self.maintenance.clone()]).collect()
    }

    pub(super) fn spawn(self, background: &Handle) {
        let Self { sweepers, watch, operations, inbox, retention, maintenance } = self;
        for sweeper in sweepers {
            background.spawn(restart_on_panic("sweeper", sweeper, Sweeper::sweep));
        }
        if let Some(watch) = watch {
            background.spawn(restart_on_panic("checkouts", watch, CheckoutWatch::watch));
        }
        if let Some(operations) = operations {
            background.spawn(restart_on_panic("intents", operations.clone(), Operations::open_all));
            background.spawn(restart_on_panic("operations", operations, Operations::recover_all));
        }
        let maintaining = move |inbox| maintain(inbox, retention, maintenance.clone());
        background.spawn(restart_on_panic("inbox", inbox, maintaining));
    }
}

/// Runs a task until it returns. A panic is a bug in athm: it is logged, and the task is started again.
pub(super) async fn restart_on_panic<T: Clone, F: Future<Output = ()>>(name: &str, with: T, work: impl Fn(T) -> F) {
    while AssertUnwindSafe(work(with.clone())).catch_unwind().await.is_err() {
        tracing::error!(name, "one of athm's background tasks panicked and is started again: please report it");
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

/// Retries pending messages when they are due, and prunes what is older than its retention.
async fn maintain(inbox: Inbox, retention: Retention, requests: RunRequests) {
    let Inbox { store, clock, message_pending, .. } = &inbox;
    let run = || async {
        let retried = inbox.retry_pending().await;
        let pruned = prune(&inbox, retention).await;
        let retried =
            retried.map_err(|error| error.log_failed_run("pending messages couldn't be retried; tried again"));
        let pruned = pruned.map_err(|error| error.log_failed_run("old rows couldn't be pruned; tried again"));
        match retried.and(pruned) {
            Ok(()) => NextRun::Due(store.next_pending_message().await.ok().flatten()),
            Err(next_run) => next_run,
        }
    };
    Schedule { clock, max_wait: MAX_WAIT, requests: &requests }.run(run, || message_pending.notified()).await;
}

async fn prune(inbox: &Inbox, retention: Retention) -> Result<(), StoreError> {
    while inbox.store.prune(retention.before(&inbox.clock)).await? {}
    Ok(())
}
