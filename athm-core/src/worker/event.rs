//! Running the deliveries of one event.
//!
//! They run in groups: signal by signal, and within a signal by `order`. The deliveries of one group start one after another, as
//! the registry has them, and run at once. The next group starts when all of the group before have ended or overrun their
//! timeout, even while their outcomes are still being stored.
//!
//! Each runs in a slot, which it gets in the order in which deliveries ask for one, and gives back when its receiver has
//! ended. One that gets none in time is released, with the groups behind it.
//!
//! All run in one task. Whatever a receiver's own code throws is contained where that code runs, so no delivery ends another.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{Either, join_all, select};
use tracing::Span;

use super::Worker;
use crate::models::{Event, Signal, Transaction};
use crate::outbox::{
    Admission, Attempt, AttemptOutcome, ClaimPermit, ClaimedDelivery, EventDeliveries, LimitClaim, LimitPermit,
    MAX_START_DELAY, NewDelivery, Run, RunningSuspect, Slot,
};
use crate::receiver::ReceiverInfo;
use crate::util::clock::later;
use crate::util::in_flight::{InFlight, InFlightGuard};

/// What the deliveries of an event have in common.
pub(super) struct EventContext {
    pub(super) transaction: Arc<Transaction>,
    pub(super) event: Arc<Event>,
    /// The span in which the event was recorded.
    pub(super) recording: Span,
    /// Whether a delivery got no slot in time: later groups don't start before it has run.
    is_released: AtomicBool,
}

/// A claimed delivery, with its receiver if this process still has it.
struct Ready {
    receiver: Option<ReceiverInfo>,
    delivery: NewDelivery,
    attempt: Attempt,
    is_replay: bool,
    suspect: Option<RunningSuspect>,
    /// Only the first group holds permits while it waits to start.
    permit: Option<ClaimPermit>,
    limit: Option<LimitClaim>,
}

/// What a receiver runs with, until it has ended.
struct Start {
    _slot: Slot,
    _limit: Option<LimitPermit>,
}

/// What a running receiver holds up until it overruns its timeout: the next group, until it returns, and the next suspect,
/// until its outcome is stored.
pub(super) struct HeldUp {
    group: Option<InFlightGuard>,
    suspect: Option<RunningSuspect>,
}

impl Worker {
    /// Runs the deliveries of an event, and stores their outcomes.
    pub(super) async fn run_event(self, deliveries: EventDeliveries) {
        let EventDeliveries { transaction, event, deliveries, span, .. } = deliveries;
        let context = EventContext { transaction, event, recording: span, is_released: AtomicBool::new(false) };
        let claims = deliveries.iter().map(|claimed| (claimed.id(), claimed.attempt.claim)).collect();
        let _guard = self.outbox.running.guard(claims);
        let (worker, context) = (&self, &context);
        let mut runs = Vec::with_capacity(deliveries.len());
        let mut group = InFlight::default();
        for deliveries in self.groups(context.event.transition().signals(), deliveries) {
            let earlier = std::mem::take(&mut group);
            for ready in deliveries {
                let (earlier, running) = (earlier.clone(), group.enter());
                runs.push(async move {
                    earlier.wait_until_zero().await;
                    worker.run_one(ready, context, running).await;
                });
            }
        }
        join_all(runs).await;
    }

    /// Runs one delivery in a slot, and stores its outcome. `group` holds up the next group until it is dropped.
    async fn run_one(&self, ready: Ready, context: &EventContext, group: InFlightGuard) {
        let Ready { receiver, delivery, attempt, is_replay, suspect, mut permit, limit } = ready;
        let mut held_up = HeldUp { group: Some(group), suspect };
        let start = self.start(limit.as_ref(), &mut permit, &mut held_up, context).await;
        let start = start.filter(|_| !self.outbox.is_stopping());
        let started_at = self.clock.now();
        let (outcome, held_up) = match receiver.zip(start.as_ref()) {
            Some((receiver, _)) => self.deliver(&receiver, &delivery, attempt, is_replay, context, held_up).await,
            // The receiver was disconnected meanwhile, there was no slot in time, or the program is stopping.
            None => (AttemptOutcome::Unstarted, Some(held_up)),
        };
        if start.is_some() {
            self.outbox.permits.ended(self.clock.steady());
        }
        let is_first = attempt.number == 1 && !is_replay;
        let run = Run { started_at, ended_at: self.clock.now(), is_first };
        let stored = self.acknowledge(delivery, attempt, outcome, run, permit);
        // The next suspect may end the process, and this one's attempt was counted in advance.
        let suspect = held_up.and_then(|held_up| held_up.suspect);
        drop((start, limit));
        stored.await;
        drop(suspect);
    }

    /// Waits until the delivery may run. `None` if it may not in time, or the program is stopping.
    async fn start(
        &self,
        limit: Option<&LimitClaim>,
        permit: &mut Option<ClaimPermit>,
        held_up: &mut HeldUp,
        context: &EventContext,
    ) -> Option<Start> {
        if context.is_released.load(Ordering::Acquire) {
            return None;
        }
        let limit = match limit.map(|limit| (limit, limit.try_run())) {
            None => None,
            Some((_, Some(running))) => Some(running),
            Some((limit, None)) => {
                // It holds up neither other receivers nor the next group while it waits.
                drop((permit.take(), held_up.group.take()));
                Some(self.before_release(limit.run()).await?)
            }
        };
        let slot = match self.outbox.slots.try_acquire() {
            Some(slot) => Some(slot),
            None => self.before_release(self.outbox.slots.acquire()).await,
        };
        let Some(slot) = slot else {
            self.outbox.released();
            context.is_released.fetch_or(held_up.group.is_some(), Ordering::AcqRel);
            return None;
        };
        permit.get_or_insert_with(|| self.outbox.permits.take_to_start());
        Some(Start { _slot: slot, _limit: limit })
    }

    /// Waits for a slot or a limit until the delivery is to be released.
    async fn before_release<T>(&self, acquired: impl Future<Output = Option<T>>) -> Option<T> {
        let until = later(self.clock.steady(), MAX_START_DELAY);
        match select(pin!(acquired), pin!(self.clock.sleep_until(until))).await {
            Either::Left((acquired, _)) => acquired,
            Either::Right(_) => None,
        }
    }

    /// The groups in the order in which they start, and in each the deliveries in the registry's order. Deliveries that have to
    /// wait for an earlier group free their permits: a receiver that hangs in the first group must not hold those of the others.
    fn groups(&self, signals: &[Signal], deliveries: Vec<ClaimedDelivery>) -> Vec<Vec<Ready>> {
        let registry = self.dispatcher.snapshot();
        let mut groups = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ClaimedDelivery { delivery, attempt, is_replay, admission, suspect } in deliveries {
            let signal = signals.iter().position(|signal| *signal == delivery.signal);
            let place = registry.place_of(&delivery.receiver);
            let receiver = place.map(|place| registry.all()[place].clone());
            let order = receiver.as_ref().map(ReceiverInfo::order);
            let key = (place, delivery.id);
            let Admission { permit, limit } = admission;
            let ready = Ready { receiver, delivery, attempt, is_replay, suspect, permit: Some(permit), limit };
            groups.entry((signal, order)).or_default().insert(key, ready);
        }
        let mut groups: Vec<Vec<Ready>> = groups.into_values().map(|group| group.into_values().collect()).collect();
        for ready in groups.iter_mut().skip(1).flatten() {
            ready.permit = None;
            ready.limit.iter_mut().for_each(LimitClaim::uncount);
        }
        groups
    }
}
