//! Keeping house: what is asked again, what is forgotten.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select;

use crate::inbox::Inbox;
use crate::store::{RetentionCutoffs, StoreError};
use crate::util::clock::{Clock, earlier, later};
use crate::util::text::causes;

/// How often the house looks around when nothing is due before.
const ROUND: Duration = Duration::from_secs(60);
/// How long to wait after something has failed.
const BREATH: Duration = Duration::from_secs(1);
/// How long the provider's authorization secrets live.
const TOKENS: Duration = Duration::from_secs(15 * 60);

/// Whether this process asks the provider about payments although no message says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SweeperMode {
    #[default]
    Always,
    Never,
}

/// How long what has ended is kept. Payments and their events are kept for good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    /// Deliveries that succeeded or are dead, and messages that named no payment.
    pub(super) ended: Duration,
    /// Refused messages.
    pub(super) refused: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { ended: 90 * day, refused: 7 * day }
    }
}

impl Retention {
    fn before(self, clock: &Clock) -> RetentionCutoffs {
        let (now, steady) = (clock.now(), clock.steady());
        RetentionCutoffs {
            tokens: earlier(now, TOKENS),
            deliveries: earlier(steady, self.ended),
            refused: earlier(now, self.refused),
            unmatched: earlier(now, self.ended),
        }
    }
}

/// Does something until it ends by itself: if it panics, that is a mistake of athm's own, and it is begun again.
pub(super) async fn restart_on_panic<T: Clone, F: Future<Output = ()>>(name: &str, with: T, work: impl Fn(T) -> F) {
    while AssertUnwindSafe(work(with.clone())).catch_unwind().await.is_err() {
        tracing::error!(name, "a task of athm's own panicked and is begun again: please report it");
        tokio::time::sleep(BREATH).await;
    }
}

/// Asks again about what is pending, as its time comes, and forgets what is old.
pub(super) async fn keep(inbox: Inbox, retention: Retention) {
    loop {
        let asked = inbox.retry_pending().await.inspect_err(|error| {
            tracing::error!(error = causes(error), "pending messages couldn't be looked after; tried again");
        });
        let tidied = prune(&inbox, retention).await.inspect_err(|error| {
            tracing::error!(error = causes(error), "what is old couldn't be forgotten; tried again");
        });
        match asked.and(tidied) {
            Ok(()) => wait(&inbox).await,
            Err(StoreError::Closed) => return,
            Err(_) => inbox.clock.sleep_until(later(inbox.clock.steady(), BREATH)).await,
        }
    }
}

async fn prune(inbox: &Inbox, retention: Retention) -> Result<(), StoreError> {
    while inbox.store.prune(retention.before(&inbox.clock)).await? {}
    Ok(())
}

/// Until a message's time has come, or a message begins to wait.
async fn wait(inbox: &Inbox) {
    let look_around = later(inbox.clock.steady(), ROUND);
    let due = inbox.store.next_due().await.ok().flatten();
    let time = pin!(inbox.clock.sleep_until(due.map_or(look_around, |due| due.min(look_around))));
    let waiting = pin!(inbox.message_pending.notified());
    select(time, waiting).await;
}
