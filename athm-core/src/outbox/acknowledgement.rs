//! How an attempt ended, and what that makes of its delivery.

use jiff::Timestamp;

use super::DeliveryState;
use crate::models::DeliveryId;

/// The end of one attempt at one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) id: DeliveryId,
    pub(crate) attempt: u32,
    /// The steady time at which it ended.
    pub(crate) at: Timestamp,
    pub(crate) outcome: AttemptOutcome,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// The receiver succeeded. This counts however late it is acknowledged: the receiver's effect has happened.
    Succeeded,
    /// The receiver failed. This counts only for the latest attempt: a later one may still succeed. The delivery is
    /// retried at `retry_at`, or is dead without one.
    Failed { error: String, retry_at: Option<Timestamp> },
    /// The receiver wasn't called, so that the attempt doesn't count.
    Unstarted,
    /// The receiver was still running when the process stopped.
    Abandoned,
}

/// What an acknowledgement changes about its delivery. `None` leaves a column as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryUpdate<'a> {
    pub(crate) state: DeliveryState,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// Attempts to take back: 1 for an attempt that doesn't count.
    pub(crate) uncounted: u32,
    pub(crate) error: Option<&'a str>,
}

impl Acknowledgement {
    pub(crate) fn update(&self) -> DeliveryUpdate<'_> {
        let update = |state| DeliveryUpdate { state, due_at: None, finished_at: None, uncounted: 0, error: None };
        let due = |due_at| DeliveryUpdate { due_at: Some(due_at), ..update(DeliveryState::Due) };
        let finished = |state| DeliveryUpdate { finished_at: Some(self.at), ..update(state) };
        match &self.outcome {
            AttemptOutcome::Succeeded => finished(DeliveryState::Succeeded),
            AttemptOutcome::Failed { error, retry_at: Some(at) } => DeliveryUpdate { error: Some(error), ..due(*at) },
            AttemptOutcome::Failed { error, retry_at: None } => {
                DeliveryUpdate { error: Some(error), ..finished(DeliveryState::Dead) }
            }
            AttemptOutcome::Unstarted => DeliveryUpdate { uncounted: 1, ..due(self.at) },
            AttemptOutcome::Abandoned => due(self.at),
        }
    }
}
