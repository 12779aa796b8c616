//! How an attempt ended, and what that makes of its delivery.

use std::time::Duration;

use jiff::Timestamp;

use super::{Attempt, DeliveryState};
use crate::models::DeliveryId;

/// The end of one attempt at one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) id: DeliveryId,
    pub(crate) attempt: Attempt,
    /// The steady time at which it ended.
    pub(crate) at: Timestamp,
    pub(crate) outcome: AttemptOutcome,
    /// For the history; `None` when the receiver wasn't called.
    pub(crate) run: Option<Run>,
}

/// A run of the receiver, by the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    /// Whether no attempt came before it, of a replay neither.
    pub(crate) is_first: bool,
}

/// What the history of a delivery gets. A success is stored only after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History<'a> {
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) error: Option<&'a str>,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// The receiver succeeded. This counts however late it is acknowledged: the receiver's effect has happened.
    Succeeded,
    /// A transaction of the receiver's own has committed, and the success with it: only the history may be missing.
    Completed,
    /// The receiver failed. This counts only for the latest claim: a later one may still succeed. The delivery is
    /// retried at `retry_at`, or is dead without one.
    Failed { error: String, retry_at: Option<Timestamp> },
    /// The receiver didn't return before the process ended, and the attempt counts: it was a suspect's.
    Interrupted { error: String, retry_at: Option<Timestamp> },
    /// The receiver asked to be run again after this pause, at `due_at`. The attempt doesn't count.
    Waiting { pause: Duration, due_at: Timestamp },
    /// The receiver wasn't called, because all its attempts are used up.
    Exhausted { error: String },
    /// The receiver wasn't called, so that the attempt doesn't count.
    Unstarted,
    /// The receiver was still running when the process stopped. That is an interruption.
    Abandoned,
}

/// What an acknowledgement changes about its delivery. `None` leaves a column as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryUpdate<'a> {
    pub(crate) state: DeliveryState,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// How many attempts count from now on.
    pub(crate) attempts: u32,
    /// How the number of interruptions in a row changes: to 0 if the receiver returned, else it stays, or grows by one.
    pub(crate) interruptions: Interruptions,
    pub(crate) error: Option<&'a str>,
    /// How much longer the delivery has waited by then, in all.
    pub(crate) waits: Duration,
}

/// A change of the number of interruptions: `interruptions * kept + added`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interruptions {
    pub(crate) kept: u32,
    pub(crate) added: u32,
}

impl Interruptions {
    const NONE: Self = Self { kept: 0, added: 0 };
    const SAME: Self = Self { kept: 1, added: 0 };
    const ONE_MORE: Self = Self { kept: 1, added: 1 };
}

impl Acknowledgement {
    /// Whether there is anything to store: not after a first attempt that a transaction of the receiver's own completed.
    pub(crate) fn is_stored_already(&self) -> bool {
        self.outcome == AttemptOutcome::Completed && self.history().is_none()
    }

    /// A failure, or a success that may follow one. A first attempt that succeeds writes nothing more.
    pub(crate) fn history(&self) -> Option<History<'_>> {
        let Run { started_at, ended_at, is_first } = self.run?;
        let error = match &self.outcome {
            AttemptOutcome::Failed { error, .. }
            | AttemptOutcome::Interrupted { error, .. }
            | AttemptOutcome::Exhausted { error } => Some(error.as_str()),
            AttemptOutcome::Succeeded | AttemptOutcome::Completed if !is_first => None,
            _ => return None,
        };
        Some(History { started_at, ended_at, error })
    }

    pub(crate) fn update(&self) -> DeliveryUpdate<'_> {
        let Self { attempt, at, outcome, .. } = self;
        let returned = DeliveryUpdate {
            state: DeliveryState::Due,
            due_at: None,
            finished_at: None,
            attempts: attempt.number,
            interruptions: Interruptions::NONE,
            error: None,
            waits: Duration::ZERO,
        };
        let kept = DeliveryUpdate { interruptions: Interruptions::SAME, ..returned };
        let due = |due_at: &Timestamp, update| DeliveryUpdate { due_at: Some(*due_at), ..update };
        let finished = |state, update| DeliveryUpdate { state, finished_at: Some(*at), ..update };
        let failed = |error, retry_at: &Option<Timestamp>, update| {
            let update = DeliveryUpdate { error: Some(error), ..update };
            match retry_at {
                Some(at) => due(at, update),
                None => finished(DeliveryState::Dead, update),
            }
        };
        match outcome {
            AttemptOutcome::Succeeded | AttemptOutcome::Completed => finished(DeliveryState::Succeeded, returned),
            AttemptOutcome::Failed { error, retry_at } => failed(error, retry_at, returned),
            AttemptOutcome::Waiting { pause, due_at } => {
                due(due_at, DeliveryUpdate { attempts: attempt.counted_before(), waits: *pause, ..returned })
            }
            AttemptOutcome::Interrupted { error, retry_at } => failed(error, retry_at, kept),
            AttemptOutcome::Exhausted { error } => {
                failed(error, &None, DeliveryUpdate { attempts: attempt.counted_before(), ..kept })
            }
            AttemptOutcome::Unstarted => due(at, DeliveryUpdate { attempts: attempt.counted_before(), ..kept }),
            AttemptOutcome::Abandoned => {
                let interruptions = Interruptions::ONE_MORE;
                due(at, DeliveryUpdate { attempts: attempt.counted_when_interrupted(), interruptions, ..kept })
            }
        }
    }
}
