//! Finds what is due, claims it, and has it run.

mod attempt;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join_all, select};
use tokio::runtime::Handle;

use crate::dispatch::Dispatcher;
use crate::models::Signal;
use crate::outbox::{
    Acknowledgement, AttemptOutcome, ClaimedAttempt, ClaimedDelivery, EventDeliveries, LEASE, Outbox, Unstarted,
    runnable,
};
use crate::receiver::ReceiverInfo;
use crate::store::{Claim, Store, StoreError};
use crate::util::backoff::Jitter;
use crate::util::clock::{Clock, later};
use crate::util::in_flight::InFlight;
use crate::util::schedule::{NextRun, Schedule};
use crate::util::text::causes;

/// How often leases are renewed. It is a third of [`LEASE`], so that two renewals may fail before a claim is lost.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(10);
/// The shortest and the longest pause between two polls for due deliveries: a second, give or take a fifth, so that
/// processes that were started together poll at different times.
const POLL_INTERVAL: (Duration, Duration) = (Duration::from_millis(800), Duration::from_millis(1200));
/// How long to wait for more slots once one is free, so that one claim fills all that a commit frees.
const MAX_SLOT_DELAY: Duration = Duration::from_millis(2);

/// Runs deliveries and notes how they ended.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    pub(crate) jitter: Arc<Jitter>,
    /// Where receivers run: they may block it, and stall nobody else.
    pub(crate) receivers: Handle,
}

impl Worker {
    /// Starts what comes out of the outbox, until nobody can put anything in any more.
    pub(crate) async fn start_handed_over(self, mut unstarted: Unstarted) {
        while let Some(work) = unstarted.recv().await {
            self.receivers.spawn(self.clone().run_event(work));
        }
    }

    /// Claims due deliveries, as many as there are free slots: once a second, and as slots become free while there is
    /// a backlog.
    pub(crate) async fn poll(self) {
        let schedule = Schedule { clock: &self.clock, max_wait: POLL_INTERVAL.1 };
        schedule.run(|| self.poll_once(), || self.woken()).await;
    }

    async fn poll_once(&self) -> NextRun {
        if self.outbox.is_stopping() {
            return NextRun::Never;
        }
        match self.claim_due().await {
            Ok(()) => {}
            Err(StoreError::Closed) => return NextRun::Never,
            Err(error) => {
                tracing::error!(error = causes(&error), "due deliveries couldn't be claimed; tried again");
            }
        }
        NextRun::Due(Some(later(self.clock.steady(), self.jitter.between(POLL_INTERVAL.0, POLL_INTERVAL.1))))
    }

    /// Waits for a wake-up, or, while there is a backlog, for free slots.
    async fn woken(&self) {
        let woken = pin!(self.outbox.woken.notified());
        if !self.outbox.backlog.load(Ordering::Acquire) {
            return woken.await;
        }
        // Deliveries that are acknowledged by one commit free their slots one after another. One claim fills them all.
        let freed = pin!(self.outbox.slots.freed().then(|()| tokio::time::sleep(MAX_SLOT_DELAY)));
        select(woken, freed).await;
    }

    async fn claim_due(&self) -> Result<(), StoreError> {
        let now = self.clock.steady();
        // Whoever finds no slot while they are taken here says so after this.
        let has_backlog = self.outbox.backlog.swap(false, Ordering::AcqRel);
        if !has_backlog && !self.store.has_due(now, self.runnable()).await? {
            return Ok(());
        }
        let slots = self.outbox.slots.take(usize::MAX);
        let wanted = slots.len();
        let _claiming = self.outbox.running.claiming();
        let claim = Claim { now, lease_until: later(now, LEASE), runnable: self.runnable(), slots };
        if self.store.claim(claim).await? == wanted {
            self.outbox.backlog.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Keeps the leases of what runs here, however long it takes.
    pub(crate) async fn renew_leases(self) {
        loop {
            self.clock.sleep_until(later(self.clock.steady(), RENEWAL_INTERVAL)).await;
            let running = self.outbox.running.all();
            let until = later(self.clock.steady(), LEASE);
            let renewed = if running.is_empty() {
                Ok(())
            } else {
                self.store.renew(running.into_iter().map(|(id, held)| (id, held.attempt)).collect(), until).await
            };
            match renewed {
                Ok(()) => {}
                Err(StoreError::Closed) => return,
                Err(error) => tracing::error!(error = causes(&error), "leases couldn't be renewed; tried again"),
            }
        }
    }

    /// The deliveries of an event: signal by signal, `order` by `order`, those of one order at once. The next ones start
    /// when these have run, while it is still being noted how they ended.
    async fn run_event(self, work: EventDeliveries) {
        let EventDeliveries { transaction, event, deliveries, span } = work;
        let _held = self.outbox.running.guard(deliveries.iter().map(|claimed| claimed.planned.id).collect());
        let (worker, transaction, event, span) = (&self, &transaction, &event, &span);
        let mut run = Vec::with_capacity(deliveries.len());
        let mut before = InFlight::default();
        for group in self.in_order(event.transition().signals(), deliveries) {
            let earlier = std::mem::take(&mut before);
            for (receiver, claimed) in group {
                let (earlier, running) = (earlier.clone(), before.enter());
                run.push(async move {
                    earlier.none().await;
                    let end = match receiver {
                        Some(receiver) if !worker.outbox.is_stopping() => {
                            worker.deliver(&receiver, &claimed, transaction, event, span).await
                        }
                        // Disconnected meanwhile, or the program is stopping.
                        _ => AttemptOutcome::Unstarted,
                    };
                    let noted = worker.acknowledge(claimed, end);
                    drop(running);
                    noted.await;
                });
            }
        }
        join_all(run).await;
    }

    /// In groups that start one after another: by signal, by `order`, and within a group as the registry has them.
    fn in_order(
        &self,
        signals: &[Signal],
        deliveries: Vec<ClaimedDelivery>,
    ) -> Vec<Vec<(Option<ReceiverInfo>, ClaimedDelivery)>> {
        let registry = self.dispatcher.snapshot();
        let mut groups = BTreeMap::<_, BTreeMap<_, _>>::new();
        for claimed in deliveries {
            let signal = signals.iter().position(|signal| *signal == claimed.planned.signal);
            let place = registry.all().iter().position(|receiver| receiver.id() == claimed.planned.receiver);
            let receiver = place.map(|place| registry.all()[place].clone());
            let order = receiver.as_ref().map(ReceiverInfo::order);
            groups.entry((signal, order)).or_default().insert((place, claimed.planned.id), (receiver, claimed));
        }
        groups.into_values().map(|group| group.into_values().collect()).collect()
    }

    /// Waits until nothing runs and nothing is due.
    pub(crate) async fn idle(&self) -> Result<(), StoreError> {
        loop {
            self.outbox.running.none().await;
            if self.outbox.is_stopping() || !self.store.has_due(self.clock.steady(), self.runnable()).await? {
                return Ok(());
            }
            self.claim_due().await?;
        }
    }

    /// Claims nothing more, lets what runs finish for so long, and lets go of the rest.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.outbox.stopping.store(true, Ordering::Release);
        self.outbox.wake();
        if tokio::time::timeout(grace, self.outbox.running.none()).await.is_ok() {
            return;
        }
        self.outbox.running.claimed_all().await;
        let held = self.outbox.running.all();
        tracing::warn!(receivers = held.len(), "receivers run past the grace period; they run again at the next start");
        let let_go = held.into_iter().map(|(id, ClaimedAttempt { attempt, has_started })| {
            let end = if has_started { AttemptOutcome::Abandoned } else { AttemptOutcome::Unstarted };
            self.store.acknowledge(Acknowledgement { id, attempt, at: self.clock.steady(), end })
        });
        join_all(let_go).await;
    }

    /// Looks for what is due now, without waiting for the second to pass.
    pub(crate) fn wake(&self) {
        self.outbox.wake();
    }

    fn runnable(&self) -> Vec<String> {
        runnable(&self.dispatcher.receivers())
    }
}
