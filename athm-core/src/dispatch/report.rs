//! How the receivers of a dispatch ended.

use std::time::Duration;

use crate::receiver::BoxError;
use crate::{ReceiverInfo, Signal};

/// How every receiver of one dispatch ended, in the order in which they started.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::{Amount, Dispatcher, Sender, Signal, Status, Transaction};
///
/// let dispatcher = Dispatcher::empty();
/// dispatcher.connect("stock", [Signal::Completed], |_| Err("nothing left"))?;
/// let transaction = Transaction::builder(Status::Completed, Amount::from_cents(100)).build();
///
/// let report = dispatcher.dispatch(&transaction, Sender::new("kiosk")).await;
/// assert_eq!(report.failures().count(), 1);
/// assert_eq!(report.entries()[0].receiver(), "stock");
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
#[must_use = "a report tells which receivers failed"]
pub struct Report(Vec<ReportEntry>);

impl Report {
    /// Every receiver that ran, in order.
    #[must_use]
    pub fn entries(&self) -> &[ReportEntry] {
        &self.0
    }

    /// Those that failed.
    pub fn failures(&self) -> impl Iterator<Item = &ReportEntry> {
        self.0.iter().filter(|entry| entry.result.is_err())
    }

    /// Whether none failed; so, too, when none ran.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Whether nobody listened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn extend(
        &mut self,
        signal: Signal,
        results: impl IntoIterator<Item = (ReceiverInfo, Result<(), Failure>)>,
    ) {
        self.0.extend(results.into_iter().map(|(receiver, result)| ReportEntry { receiver, signal, result }));
    }
}

/// How one receiver ended.
#[derive(Debug)]
pub struct ReportEntry {
    receiver: ReceiverInfo,
    signal: Signal,
    result: Result<(), Failure>,
}

impl ReportEntry {
    /// The receiver's id.
    #[must_use]
    pub fn receiver(&self) -> &str {
        self.receiver.id()
    }

    /// The signal that it ran for.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// How it ended.
    ///
    /// # Errors
    ///
    /// The [`Failure`] of the receiver.
    pub fn result(&self) -> Result<(), &Failure> {
        self.result.as_ref().copied()
    }
}

/// Why a receiver did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It returned an error, or one of its parameters couldn't be given.
    #[error(transparent)]
    Error(BoxError),
    /// It panicked.
    #[error("it panicked: {0}")]
    Panic(String),
    /// It took longer than its `timeout`.
    #[error("it took longer than {limit:?}")]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
}
