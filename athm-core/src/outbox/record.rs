//! A delivery as it is recorded.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::models::{DeliveryId, EventId, Signal, TransactionId};

/// A delivery as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRecord {
    /// Its id, which is its idempotency key.
    pub id: DeliveryId,
    /// The event that it tells of.
    pub event_id: EventId,
    /// The transaction that the event is about.
    pub transaction_id: TransactionId,
    /// The signal that it carries.
    pub signal: Signal,
    /// The receiver's id.
    pub receiver: String,
    /// How it stands.
    pub state: DeliveryState,
    /// How many attempts were begun, since the last replay.
    pub attempts: u32,
    /// Whether somebody asked for it to run again.
    pub is_replay: bool,
    /// When it may be claimed; of a running one, when its lease ends.
    pub due_at: Timestamp,
    /// How the last attempt failed.
    pub error: Option<String>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeliveryState {
    /// It runs when its time has come.
    Due,
    /// It runs, or its process has died and its lease has not yet ended.
    Running,
    /// Its receiver has succeeded. It is not run again, unless somebody forces it.
    Succeeded,
    /// Its attempts are used up, or its error was permanent. It is kept, and can be replayed.
    Dead,
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Due => "due",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
        })
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownDeliveryState;

    fn from_str(text: &str) -> Result<Self, UnknownDeliveryState> {
        [Self::Due, Self::Running, Self::Succeeded, Self::Dead]
            .into_iter()
            .find(|state| state.to_string() == text)
            .ok_or_else(|| UnknownDeliveryState(text.to_owned()))
    }
}

/// A word that names no state of a delivery.
///
/// ```
/// let error = "lost".parse::<athm_core::DeliveryState>().unwrap_err();
/// assert_eq!(error.to_string(), "expected due, running, succeeded or dead, found \"lost\"");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("expected due, running, succeeded or dead, found {0:?}")]
pub struct UnknownDeliveryState(String);
