//! Running receivers for what was recorded: after the commit, and again when the program starts.

mod outbox;
mod worker;

use jiff::Timestamp;

use crate::{DeliveryId, Event, Signal, Transaction};

pub(crate) use self::outbox::{Outbox, Unstarted};
pub(crate) use self::worker::Worker;

/// One receiver's turn at one signal of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) signal: Signal,
    pub(crate) receiver: String,
}

/// The deliveries of one event that have not ended, with what they are about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Work {
    pub(crate) transaction: Transaction,
    pub(crate) event: Event,
    pub(crate) deliveries: Vec<Delivery>,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) id: DeliveryId,
    /// The receiver's error, if it failed.
    pub(crate) error: Option<String>,
    pub(crate) at: Timestamp,
}
