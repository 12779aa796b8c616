//! The outbox: durable deliveries, between the commit that creates them and the worker that runs them.
//!
//! Recording an event inserts one delivery for each of its signals and each receiver that listens to it, in the same commit
//! ([`store`](crate::store)).
//! As many as there are free [`claim_permits`] are claimed by that very commit, and the [`channel`] hands them to the
//! [`worker`](crate::worker) right after it. The worker finds all others (no permit was free, an attempt failed, a process
//! died): it polls for due deliveries once a second, and while there is a backlog, whenever permits are free. A claimed
//! delivery runs as soon as one of the [`slots`] is free.
//!
//! A claim is a lease: it ends after [`LEASE`] unless it is renewed, and then any process may claim the delivery again;
//! [`attempt`] says what that costs. An attempt ends with an [`Acknowledgement`] that names its claim, so that a late one
//! is recognized as such, and [`retry`] says when the next attempt is due.

mod acknowledgement;
mod attempt;
mod attempt_record;
mod channel;
mod claim_permits;
mod limits;
mod pace;
mod record;
mod retry;
mod running;
mod slots;
mod suspects;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub(crate) use self::acknowledgement::{Acknowledgement, AttemptOutcome, DeliveryUpdate, Run};
pub(crate) use self::attempt::{Attempt, ClaimId, ClaimKind, ClaimableDelivery};
pub use self::attempt_record::AttemptRecord;
pub(crate) use self::channel::{Outbox, Unstarted};
pub(crate) use self::claim_permits::{ClaimPermit, ClaimPermits, MAX_START_DELAY};
pub(crate) use self::limits::{LimitClaim, LimitPermit, Limits};
pub use self::record::{DeliveryRecord, DeliveryState, UnknownDeliveryState};
pub(crate) use self::retry::retry_pause;
pub(crate) use self::running::ClaimedAttempt;
pub(crate) use self::slots::{Slot, Slots};
pub(crate) use self::suspects::{RunningSuspect, SuspectPermit, Suspects};
use crate::models::{DeliveryId, Event, Signal, Transaction};
use crate::receiver::ReceiverInfo;

/// How long a claim is valid without being renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// How long a delivery waits until the provider has named the customer: longer than the customer is searched.
pub(crate) const CUSTOMER_WAIT: Duration = Duration::from_secs(12 * 60 * 60);

/// A delivery that is about to be inserted: one signal of one event, for one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewDelivery {
    pub(crate) id: DeliveryId,
    pub(crate) signal: Signal,
    pub(crate) receiver: String,
    /// Whether it waits until the provider has named the customer. One that is claimed waits no more.
    pub(crate) waits_for_customer: bool,
}

/// A delivery that this process has claimed.
#[derive(Debug)]
pub(crate) struct ClaimedDelivery {
    pub(crate) delivery: NewDelivery,
    pub(crate) attempt: Attempt,
    pub(crate) is_replay: bool,
    pub(crate) admission: Admission,
    /// The permit of a suspect.
    pub(crate) suspect: Option<RunningSuspect>,
}

/// What allows a process to hold a delivery.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) permit: ClaimPermit,
    /// Of a receiver with a limit.
    pub(crate) limit: Option<LimitClaim>,
}

impl ClaimedDelivery {
    pub(crate) fn id(&self) -> DeliveryId {
        self.delivery.id
    }
}

/// `signal:receiver`, by which it is known what a process can run.
pub(crate) fn runnable_as(signal: Signal, receiver: &str) -> String {
    format!("{signal}:{receiver}")
}

/// What of these receivers waits until the provider has named the customer.
pub(crate) fn awaiting_customer(receivers: &[ReceiverInfo]) -> Vec<String> {
    let of = |receiver: &ReceiverInfo| {
        let waiting = receiver.signals().iter().filter(|signal| receiver.waits_for_customer(**signal));
        waiting.flat_map(|signal| ids(receiver).map(|id| runnable_as(*signal, id))).collect::<Vec<_>>()
    };
    receivers.iter().flat_map(of).collect()
}

/// The ids under which the deliveries of a receiver are stored.
pub(crate) fn ids(receiver: &ReceiverInfo) -> impl Iterator<Item = &str> {
    std::iter::once(receiver.id()).chain(receiver.was())
}

/// What these receivers can run, for each signal of each.
pub(crate) fn runnable(receivers: &[ReceiverInfo]) -> Vec<String> {
    let of = |receiver: &ReceiverInfo| {
        let each = ids(receiver).flat_map(|id| receiver.signals().iter().map(move |signal| runnable_as(*signal, id)));
        each.collect::<Vec<_>>()
    };
    receivers.iter().flat_map(of).collect()
}

/// The claimed deliveries of one event, with the event and its transaction.
#[derive(Debug)]
pub(crate) struct EventDeliveries {
    pub(crate) transaction: Arc<Transaction>,
    pub(crate) event: Arc<Event>,
    pub(crate) deliveries: Vec<ClaimedDelivery>,
    /// A steady time before which no lease of these has begun.
    pub(crate) claimed_at: Timestamp,
    /// The span in which the event was recorded; none for deliveries that were claimed later.
    pub(crate) span: tracing::Span,
}

/// What a committed recording leaves for the worker.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    /// The deliveries that it has claimed.
    pub(crate) claimed: Vec<EventDeliveries>,
    /// Whether it made deliveries due that have waited for their customer.
    pub(crate) has_released: bool,
}

impl EventDeliveries {
    /// Groups claimed deliveries by event: those of one event run in the order of its signals, so that one task runs
    /// them all.
    pub(crate) fn group(
        claimed: impl IntoIterator<Item = (Arc<Transaction>, Arc<Event>, ClaimedDelivery)>,
        claimed_at: Timestamp,
    ) -> Vec<Self> {
        let (mut groups, mut places) = (Vec::<Self>::new(), HashMap::new());
        for (transaction, event, delivery) in claimed {
            let place = *places.entry(event.id).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.deliveries.push(delivery),
                None => groups.push(Self {
                    transaction,
                    event,
                    deliveries: vec![delivery],
                    claimed_at,
                    span: tracing::Span::none(),
                }),
            }
        }
        groups
    }
}
