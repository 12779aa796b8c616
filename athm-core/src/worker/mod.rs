//! The worker: claims due deliveries, runs their receivers, renews leases and acknowledges outcomes.
//!
//! Deliveries come to it in two ways: claimed by the commit that inserted them, through the outbox, or claimed by its own
//! poll. Both run in [`Worker::run_event`], one task for each event, on the receivers' runtime, as does the task that starts
//! these. Polling and the renewal of leases run on the background runtime, so that a receiver that blocks its thread delays
//! neither.
//!
//! The lease's arithmetic: a claim is valid for 30 s ([`LEASE`]) and is renewed every 10 s, so that a renewal may fail, and
//! the next one still comes in time. The deliveries of a process that dies can be claimed after 30 s at most.

mod attempt;
mod event;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join_all, select};
use tokio::runtime::Handle;

use crate::dispatch::Dispatcher;
use crate::outbox::{Acknowledgement, AttemptOutcome, ClaimId, ClaimedAttempt, LEASE, Outbox, Unstarted, runnable};
use crate::store::{Claim, Store, StoreError};
use crate::util::backoff::Jitter;
use crate::util::clock::{Clock, later};
use crate::util::schedule::{NextRun, RunRequests, Schedule};
use crate::util::text::causes;

/// How often leases are renewed. After a renewal that fails, the next one still comes before the lease ends.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(10);
/// The shortest and the longest pause between two polls for due deliveries: a second, give or take a fifth, so that
/// processes that were started together poll at different times.
const POLL_INTERVAL: (Duration, Duration) = (Duration::from_millis(800), Duration::from_millis(1200));
/// How long to wait for more permits once one is free, so that one claim takes all that a commit frees.
const MAX_PERMIT_DELAY: Duration = Duration::from_millis(2);

/// Runs deliveries and acknowledges their outcomes.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    pub(crate) jitter: Arc<Jitter>,
    /// The runtime of the receivers. They may block it: nothing else runs there.
    pub(crate) receivers: Handle,
}

impl Worker {
    /// Starts the deliveries that the outbox hands over, until every outbox is dropped.
    pub(crate) async fn start_handed_over(self, mut unstarted: Unstarted) {
        while let Some(claimed) = unstarted.recv().await {
            self.receivers.spawn(self.clone().run_event(claimed));
        }
    }

    /// Claims due deliveries, as many as there are free permits: once a second, and while there is a backlog, whenever
    /// permits are free.
    pub(crate) async fn poll(self) {
        let schedule = Schedule { clock: &self.clock, max_wait: POLL_INTERVAL.1, requests: &RunRequests::default() };
        schedule.run(|| self.poll_once(), || self.woken()).await;
    }

    async fn poll_once(&self) -> NextRun {
        if self.outbox.is_stopping() {
            return NextRun::Never;
        }
        let began = self.clock.steady();
        match self.claim_due().await {
            Ok(()) => {}
            Err(error) => return error.log_failed_run("due deliveries couldn't be claimed; tried again"),
        }
        // There is nothing to wait for: no claim takes more.
        if self.outbox.backlog.load(Ordering::Acquire) && self.outbox.permits.has_full_claim() {
            return NextRun::Now;
        }
        // Counted from the time for which it has looked: what became due meanwhile isn't overlooked for a whole interval.
        NextRun::Due(Some(later(began, self.jitter.between(POLL_INTERVAL.0, POLL_INTERVAL.1))))
    }

    /// Waits for a wake-up, or, while there is a backlog, for free permits.
    async fn woken(&self) {
        let woken = pin!(self.outbox.woken.notified());
        if !self.outbox.backlog.load(Ordering::Acquire) {
            return woken.await;
        }
        // Deliveries that are acknowledged by one commit free their permits one after another. One claim takes them all.
        let freed = pin!(self.outbox.permits.freed().then(|()| tokio::time::sleep(MAX_PERMIT_DELAY)));
        select(woken, freed).await;
    }

    async fn claim_due(&self) -> Result<(), StoreError> {
        let now = self.clock.steady();
        let has_backlog = self.outbox.backlog.load(Ordering::Acquire);
        if !has_backlog && !self.store.has_due_deliveries(now, self.claimable()).await? {
            return Ok(());
        }
        // In this order: a shutdown either sees this claim, or is seen by it.
        let _claiming = self.outbox.running.claiming();
        if self.outbox.is_stopping() {
            return Ok(());
        }
        let permits = self.outbox.permits.take_for_poll();
        if permits.is_empty() {
            self.outbox.backlog.store(true, Ordering::Release);
            return Ok(());
        }
        let wanted = permits.len();
        let (id, suspect) = (ClaimId::new(), self.outbox.suspects.permit());
        let claim = Claim { id, now, lease_until: later(now, LEASE), runnable: self.claimable(), permits, suspect };
        if self.store.claim_deliveries(claim).await? == wanted {
            self.outbox.backlog.store(true, Ordering::Release);
        } else {
            self.outbox.found_all();
        }
        Ok(())
    }

    /// Renews the leases of the deliveries that run here, for as long as they run.
    pub(crate) async fn renew_leases(self) {
        loop {
            self.clock.sleep_until(later(self.clock.steady(), RENEWAL_INTERVAL)).await;
            let running = self.outbox.running.all();
            let until = later(self.clock.steady(), LEASE);
            let renewed = if running.is_empty() {
                Ok(())
            } else {
                self.store
                    .renew_leases(running.into_iter().map(|(id, claimed)| (id, claimed.attempt.claim)).collect(), until)
                    .await
            };
            match renewed {
                Ok(()) => {}
                Err(StoreError::Closed) => return,
                Err(error) => tracing::error!(error = causes(&error), "leases couldn't be renewed; tried again"),
            }
        }
    }

    /// Waits until no delivery runs and none that can run here is due.
    pub(crate) async fn idle(&self) -> Result<(), StoreError> {
        loop {
            self.outbox.running.wait_until_idle().await;
            if self.outbox.is_stopping() {
                return Ok(());
            }
            if self.store.has_due_deliveries(self.clock.steady(), self.runnable()).await? {
                self.claim_due().await?;
            } else if self.outbox.running.is_idle() {
                return Ok(());
            }
            // Else a poll claimed what was due just before the database was asked.
        }
    }

    /// Stops claiming, waits up to `grace` for running receivers, and gives up the deliveries that still run: the next
    /// process that has their receivers may claim them at once.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.outbox.stop();
        if tokio::time::timeout(grace, self.outbox.running.wait_until_idle()).await.is_ok() {
            return;
        }
        // A claim that was in flight when `stopping` was set may still add deliveries: they are given up as well.
        self.outbox.running.no_claims().await;
        let unfinished = self.outbox.running.all();
        tracing::warn!(
            receivers = unfinished.len(),
            "receivers run past the grace period; they run again at the next start"
        );
        let given_up = unfinished.into_iter().map(|(id, ClaimedAttempt { attempt, has_started, .. })| {
            let outcome = if has_started { AttemptOutcome::Abandoned } else { AttemptOutcome::Unstarted };
            self.store.acknowledge(Acknowledgement { id, attempt, at: self.clock.steady(), outcome, run: None })
        });
        join_all(given_up).await;
    }

    /// Polls for due deliveries now.
    pub(crate) fn wake(&self) {
        self.outbox.wake();
    }

    /// What can be claimed now: no delivery of a receiver that is at its limit.
    fn claimable(&self) -> Vec<String> {
        let mut receivers = self.dispatcher.receivers();
        receivers.retain(|receiver| !self.outbox.limits.is_reached(receiver.id()));
        runnable(&receivers)
    }

    fn runnable(&self) -> Vec<String> {
        runnable(&self.dispatcher.receivers())
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
