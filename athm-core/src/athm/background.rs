//! Background tasks: retrying pending messages and pruning old rows.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use crate::inbox::{CopyPolicy, Inbox};
use crate::models::PushLimits;
use crate::store::{RetentionCutoffs, StoreError};
use crate::util::clock::{Clock, earlier};
use crate::util::schedule::{NextRun, PAUSE_AFTER_FAILURE, Schedule};

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

/// Runs a task until it returns. A panic is a bug in athm: it is logged, and the task is started again.
pub(super) async fn restart_on_panic<T: Clone, F: Future<Output = ()>>(name: &str, with: T, work: impl Fn(T) -> F) {
    while AssertUnwindSafe(work(with.clone())).catch_unwind().await.is_err() {
        tracing::error!(name, "one of athm's background tasks panicked and is started again: please report it");
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

/// Retries pending messages when they are due, and prunes what is older than its retention.
pub(super) async fn maintain(inbox: Inbox, retention: Retention) {
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
    Schedule { clock, max_wait: MAX_WAIT }.run(run, || message_pending.notified()).await;
}

async fn prune(inbox: &Inbox, retention: Retention) -> Result<(), StoreError> {
    while inbox.store.prune(retention.before(&inbox.clock)).await? {}
    Ok(())
}
