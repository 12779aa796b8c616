//! A delivery as it is stored, for people who look at it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::models::{DeliveryId, EventId, Signal, TransactionId};

/// A delivery as it is stored.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::StoreError;
///
/// async fn print(athm: &Athm) -> Result<(), StoreError> {
///     for delivery in athm.deliveries().dead().await? {
///         println!("{} after {} attempts: {:?}", delivery.receiver, delivery.attempts, delivery.error);
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRecord {
    /// Its id, which is its idempotency key.
    pub id: DeliveryId,
    /// The event that it is about.
    pub event_id: EventId,
    /// The transaction that the event is about.
    pub transaction_id: TransactionId,
    /// The signal that it carries.
    pub signal: Signal,
    /// The receiver's id.
    pub receiver: String,
    /// Whether it is due, running, or finished.
    pub state: DeliveryState,
    /// How many attempts count since the last replay: those that ended, and a suspect's that runs.
    pub attempts: u32,
    /// How many processes in a row ended while it ran. From the second one on it is a suspect: its process runs no other
    /// suspect beside it, and the attempt counts before it begins.
    pub interruptions: u32,
    /// Whether it runs again because of a replay.
    pub is_replay: bool,
    /// When it may be claimed. For a running delivery: when its lease ends.
    pub due_at: Timestamp,
    /// Whether it waits until the provider has named the customer, up to `due_at`.
    pub waits_for_customer: bool,
    /// The error of the last attempt that failed.
    pub error: Option<String>,
    /// When it was recorded: with its event, or by a replay.
    pub created_at: Timestamp,
    /// Why it was dismissed.
    pub dismissal: Option<String>,
}

/// The state of a delivery.
///
/// ```
/// use athm_core::deliveries::DeliveryState;
///
/// assert_eq!("dead".parse::<DeliveryState>().unwrap(), DeliveryState::Dead);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeliveryState {
    /// It runs once `due_at` has passed.
    Due,
    /// It runs, or its process died and its lease has not ended yet.
    Running,
    /// Its receiver succeeded. It runs again only by a forced replay.
    Succeeded,
    /// Its attempts are used up, or its error was permanent. It can be replayed until it is pruned.
    Dead,
    /// A person has dismissed it. It is kept, and runs again only by a replay.
    Dismissed,
}

impl DeliveryState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
            Self::Dismissed => "dismissed",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownDeliveryState;

    fn from_str(text: &str) -> Result<Self, UnknownDeliveryState> {
        [Self::Due, Self::Running, Self::Succeeded, Self::Dead, Self::Dismissed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownDeliveryState(text.to_owned()))
    }
}

/// A text that names no state of a delivery.
///
/// ```
/// let error = "lost".parse::<athm_core::deliveries::DeliveryState>().unwrap_err();
/// assert_eq!(error.to_string(), "expected due, running, succeeded, dead or dismissed, found \"lost\"");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("expected due, running, succeeded, dead or dismissed, found {0:?}")]
pub struct UnknownDeliveryState(String);
