//! Durable delivery: the outbox.
//!
//! Recording an event makes one delivery for each of its receivers, in the same commit ([`store`](crate::store)). As
//! many as there are free [`slots`] are claimed by that very commit, and the [`channel`] hands them to the [`worker`](crate::worker)
//! right after it. All others (too many at once, failed before, left by a process that died) are found by the worker,
//! which asks for what is due every second and claims no more than it has slots for. An attempt ends with an
//! acknowledgement that names it, and [`retry`] says when the next one is due.

mod channel;
mod record;
mod retry;
mod running;
mod slots;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub(crate) use self::channel::{Outbox, Unstarted};
pub use self::record::{DeliveryRecord, DeliveryState, UnknownDeliveryState};
pub(crate) use self::retry::retry_pause;
pub(crate) use self::running::ClaimedAttempt;
pub(crate) use self::slots::{Slot, Slots};
use crate::models::{DeliveryId, Event, Signal, Transaction};
use crate::receiver::ReceiverInfo;

/// How long a claim holds without being renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A delivery as it is made: one receiver's turn at one signal of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewDelivery {
    pub(crate) id: DeliveryId,
    pub(crate) signal: Signal,
    pub(crate) receiver: String,
}

/// A delivery that this process has claimed: its attempt is counted already.
#[derive(Debug)]
pub(crate) struct ClaimedDelivery {
    pub(crate) planned: NewDelivery,
    pub(crate) attempt: u32,
    pub(crate) is_replay: bool,
    pub(crate) slot: Slot,
}

/// What these receivers can run: `signal:receiver`, for each signal of each.
pub(crate) fn runnable(receivers: &[ReceiverInfo]) -> Vec<String> {
    let of = |receiver: &ReceiverInfo| {
        let turns = receiver.signals().iter().map(|signal| format!("{signal}:{}", receiver.id()));
        turns.collect::<Vec<_>>()
    };
    receivers.iter().flat_map(of).collect()
}

/// ClaimedDelivery deliveries of one event, with what they are about.
#[derive(Debug)]
pub(crate) struct EventDeliveries {
    pub(crate) transaction: Arc<Transaction>,
    pub(crate) event: Arc<Event>,
    pub(crate) deliveries: Vec<ClaimedDelivery>,
    /// Where it was recorded.
    pub(crate) span: tracing::Span,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) id: DeliveryId,
    pub(crate) attempt: u32,
    pub(crate) at: Timestamp,
    pub(crate) end: AttemptOutcome,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// Counts however late it comes.
    Succeeded,
    /// Counts only while it is the last attempt. Tried again then, or dead when there is no then.
    Failed { error: String, retry_at: Option<Timestamp> },
    /// It was not started: its attempt doesn't count.
    Unstarted,
    /// It was still running when the process stopped.
    Abandoned,
}
