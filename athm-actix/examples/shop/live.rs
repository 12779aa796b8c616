//! The live list: which receivers ran, and with what result.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use athm_actix::dispatch::States;
use athm_actix::errors::MissingState;
use athm_actix::ids::TransactionId;
use athm_actix::{Context, FromContext, Rejection, Signal, State};
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

/// How many runs are remembered.
const MOST: usize = 50;
/// Puerto Rico is four hours behind UTC, all year.
const PUERTO_RICO: Offset = Offset::constant(-4);

/// One receiver, run once.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) time: String,
    pub(crate) receiver: String,
    pub(crate) signal: Signal,
    /// The payment's metadata 1: an order's number, if it is one of ours.
    pub(crate) order: String,
    pub(crate) transaction: TransactionId,
    pub(crate) sender: String,
    /// `ok`, or what went wrong.
    pub(crate) result: String,
}

/// The latest runs, newest first, since the program started. A clone is the same list.
#[derive(Clone, Default)]
pub(crate) struct Runs(Arc<Mutex<VecDeque<Run>>>);

impl Runs {
    pub(crate) fn newest_first(&self) -> Vec<Run> {
        self.lock().iter().cloned().collect()
    }

    fn add(&self, run: Run) {
        tracing::info!(signal = %run.signal, order = run.order, result = run.result, "receiver {} ran", run.receiver);
        let mut runs = self.lock();
        runs.push_front(run);
        runs.truncate(MOST);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A parameter of the shop's own: it knows which receiver runs, and for what, and puts the result on the list.
#[must_use = "the list is written when the run has ended"]
pub(crate) struct Running {
    runs: State<Runs>,
    run: Run,
}

impl Running {
    pub(crate) fn succeeded(self) {
        self.runs.add(self.run);
    }

    /// Notes the result, and gives it back.
    pub(crate) fn ended<E: Display>(mut self, result: Result<(), E>) -> Result<(), E> {
        if let Err(error) = &result {
            self.run.result = error.to_string();
        }
        self.runs.add(self.run);
        result
    }
}

impl FromContext<'_> for Running {
    fn from_context(context: &Context<'_>) -> Result<Self, Rejection> {
        let transaction = context.transaction();
        let run = Run {
            time: PUERTO_RICO.to_datetime(Timestamp::now()).strftime("%H:%M:%S").to_string(),
            receiver: context.receiver().to_owned(),
            signal: context.signal(),
            order: transaction.metadata_1().to_owned(),
            transaction: transaction.id(),
            sender: context.sender().to_string(),
            result: String::from("ok"),
        };
        Ok(Self { runs: State::from_context(context)?, run })
    }

    /// So that a forgotten `.state(runs)` stops the program as it starts.
    fn check(states: &States) -> Result<(), MissingState> {
        State::<Runs>::check(states)
    }
}
