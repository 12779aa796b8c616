//! Running the deliveries of one event.
//!
//! They run in groups: signal by signal, and within a signal by `order`. The deliveries of one group start one after another, as
//! the registry has them, and run at once. The next group starts when all of the group before have ended or overrun their
//! timeout, even while their outcomes are still being stored.
//!
//! All run in one task. Whatever a receiver's own code throws is contained where that code runs, so no delivery ends another.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use tracing::Span;

use super::Worker;
use crate::models::{Event, Signal, Transaction};
use crate::outbox::{
    Attempt, AttemptOutcome, ClaimedDelivery, EventDeliveries, NewDelivery, Run, RunningSuspect, Slot,
};
use crate::receiver::ReceiverInfo;
use crate::util::in_flight::{InFlight, InFlightGuard};

/// What the deliveries of an event have in common.
pub(super) struct EventContext {
    pub(super) transaction: Arc<Transaction>,
    pub(super) event: Arc<Event>,
    /// The span in which the event was recorded.
    pub(super) recording: Span,
}

/// A claimed delivery, with its receiver if this process still has it.
struct Ready {
    receiver: Option<ReceiverInfo>,
    delivery: NewDelivery,
    attempt: Attempt,
    is_replay: bool,
    suspect: Option<RunningSuspect>,
    /// Only the first group holds slots while it waits to start.
    slot: Option<Slot>,
}

/// What a running receiver holds up until it returns or overruns its timeout: the next group, and the next suspect.
pub(super) struct HeldUp {
    group: Option<InFlightGuard>,
    _suspect: Option<RunningSuspect>,
}

impl Worker {
    /// Runs the deliveries of an event, and stores their outcomes.
    pub(super) async fn run_event(self, deliveries: EventDeliveries) {
        let EventDeliveries { transaction, event, deliveries, span } = deliveries;
        let context = EventContext { transaction, event, recording: span };
        let _guard = self.outbox.running.guard(deliveries.iter().map(|claimed| claimed.delivery.id).collect());
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
        let Ready { receiver, delivery, attempt, is_replay, suspect, slot } = ready;
        let mut held_up = HeldUp { group: Some(group), _suspect: suspect };
        let (slot, permit) = match self.outbox.limits.get(&delivery.receiver) {
            None => (slot, None),
            Some(limit) => match limit.try_acquire() {
                Some(permit) => (slot, Some(permit)),
                None => {
                    // It holds up neither other receivers nor the next group while it waits.
                    drop((slot, held_up.group.take()));
                    (None, limit.acquire().await)
                }
            },
        };
        let slot = match slot {
            Some(slot) => Some(slot),
            None => self.outbox.slots.acquire().await,
        };
        let receiver = receiver.filter(|_| slot.is_some() && !self.outbox.is_stopping());
        let started_at = self.clock.now();
        let (outcome, held_up) = match receiver {
            Some(receiver) => self.deliver(&receiver, &delivery, attempt, is_replay, context, held_up).await,
            // The receiver was disconnected meanwhile, or the program is stopping.
            None => (AttemptOutcome::Unstarted, Some(held_up)),
        };
        let is_first = attempt.number == 1 && !is_replay;
        let run = Run { started_at, ended_at: self.clock.now(), is_first };
        let stored = self.acknowledge(delivery, attempt, outcome, run, slot);
        drop((held_up, permit));
        stored.await;
    }

    /// The groups in the order in which they start, and in each the deliveries in the registry's order. Deliveries that have to
    /// wait for an earlier group free their slots: a receiver that hangs in the first group must not hold those of the others.
    fn groups(&self, signals: &[Signal], deliveries: Vec<ClaimedDelivery>) -> Vec<Vec<Ready>> {
        let registry = self.dispatcher.snapshot();
        let mut groups = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ClaimedDelivery { delivery, attempt, is_replay, slot, suspect } in deliveries {
            let signal = signals.iter().position(|signal| *signal == delivery.signal);
            let place = registry.place_of(&delivery.receiver);
            let receiver = place.map(|place| registry.all()[place].clone());
            let order = receiver.as_ref().map(ReceiverInfo::order);
            let key = (place, delivery.id);
            let ready = Ready { receiver, delivery, attempt, is_replay, suspect, slot: Some(slot) };
            groups.entry((signal, order)).or_default().insert(key, ready);
        }
        let mut groups: Vec<Vec<_>> = groups.into_values().map(|group| group.into_values().collect()).collect();
        groups.iter_mut().skip(1).flatten().for_each(|ready| ready.slot = None);
        groups
    }
}
