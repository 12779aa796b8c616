//! Reporting what a person must look at.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use tokio::runtime::Handle;

use crate::operations::REFUND_UNRESOLVED_AFTER;
use crate::receiver::{Answered, Contained, Failure};
use crate::store::{Alert, AlertClaim, AlertOutcome, Reported, Store, StoreError};
use crate::util::backoff::Backoff;
use crate::util::clock::{Clock, earlier, later};
use crate::util::schedule::{NextRun, RunRequests, Schedule};
use crate::util::text::causes;

/// How often new problems are searched.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long reporting one alert may take, and how long no other process reports it.
const TIMEOUT: Duration = Duration::from_secs(30);
const LEASE: Duration = Duration::from_secs(120);
/// The pauses after a report that failed: 1 min, 2 min, 4 min … 1 h.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(60), 2, Duration::from_secs(60 * 60));

/// What the program does with an alert.
pub(super) type OnAlert = Arc<dyn Fn(Alert) -> Answered<'static> + Send + Sync>;

/// Reports each problem once.
#[derive(Clone)]
pub(super) struct AlertReporter {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    /// `None` logs.
    pub(super) on_alert: Option<OnAlert>,
    /// The runtime of the program's own code.
    pub(super) receivers: Handle,
    /// How many damaged rows have become alerts.
    pub(super) damaged: Arc<AtomicUsize>,
}

impl AlertReporter {
    /// Reports new problems as they are found, until the store is closed.
    pub(super) async fn run(self) {
        let run = || async {
            match self.claim().await {
                Ok(alerts) if alerts.is_empty() => NextRun::Due(None),
                Ok(alerts) => {
                    join_all(alerts.into_iter().map(|alert| self.report(alert))).await;
                    NextRun::Now
                }
                Err(error) => error.log_failed_run("problems couldn't be read, so that none is reported; tried again"),
            }
        };
        Schedule { clock: &self.clock, max_wait: INTERVAL, requests: &RunRequests::default() }.run(run, pending).await;
    }

    /// Most of the time there is nothing new, which one query shows.
    async fn claim(&self) -> Result<Vec<Alert>, StoreError> {
        let (now, refunds_before) = (self.clock.steady(), earlier(self.clock.now(), REFUND_UNRESOLVED_AFTER));
        let damaged = self.store.damaged_rows();
        let damaged_count = damaged.len();
        let is_new = self.damaged.load(Ordering::Acquire) < damaged_count;
        if !is_new && !self.store.has_due_alerts(now, refunds_before).await? {
            return Ok(Vec::new());
        }
        let claim = AlertClaim { now, lease_until: later(now, LEASE), refunds_before, damaged };
        let claimed = self.store.claim_alerts(claim).await?;
        self.damaged.store(damaged_count, Ordering::Release);
        Ok(claimed)
    }

    async fn report(&self, alert: Alert) {
        let (kind, id, place, attempt) = (alert.kind, alert.id, alert.place.clone(), alert.attempt);
        let result = match self.call(alert).await {
            Ok(()) => Reported::At(self.clock.steady()),
            Err(failure) => {
                tracing::error!(%kind, %id, error = causes(&failure), "an alert couldn't be reported; tried again");
                Reported::RetryAt(later(self.clock.steady(), BACKOFF.pause_after(attempt)))
            }
        };
        // One that isn't stored is reported again when its lease ends.
        if let Err(error) = self.store.finish_alert(AlertOutcome { kind, id, place, result }).await {
            tracing::debug!(%kind, %id, error = causes(&error), "that an alert was reported couldn't be stored");
        }
    }

    async fn call(&self, alert: Alert) -> Result<(), Failure> {
        let Some(on_alert) = self.on_alert.clone() else {
            let Alert { kind, id, transaction_id, detail, .. } = alert;
            let transaction = transaction_id.map(tracing::field::display);
            tracing::error!(%kind, %id, transaction, detail, "a problem takes a person");
            return Ok(());
        };
        let mut call = self.receivers.spawn(async move {
            match catch_unwind(AssertUnwindSafe(|| on_alert(alert))) {
                Ok(Answered::Now(outcome)) => outcome.map_err(Failure::Error),
                Ok(Answered::Later(future)) => Contained::new(future).await,
                Err(panic) => Err(Failure::panicked(panic)),
            }
        });
        let overdue = self.clock.sleep_until(later(self.clock.steady(), TIMEOUT));
        match select(&mut call, pin!(overdue)).await {
            Either::Left((ended, _)) => ended.unwrap_or_else(|error| Err(Failure::Error(error.into()))),
            Either::Right(_) => {
                call.abort();
                Err(Failure::TimedOut { limit: TIMEOUT })
            }
        }
    }
}
