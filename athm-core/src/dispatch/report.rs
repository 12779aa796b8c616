//! How the receivers of a dispatch ended.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::run::Results;
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
        self.0.iter().filter(|entry| entry.failure.is_some())
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

    pub(super) fn with_capacity(receivers: usize) -> Self {
        Self(Vec::with_capacity(receivers))
    }
}

impl Results for Report {
    #[inline]
    fn started(&mut self, receiver: &ReceiverInfo, signal: Signal) {
        self.0.push(ReportEntry { receiver: receiver.clone(), signal, failure: None });
    }

    fn failed(&mut self, receiver: &ReceiverInfo, _: Signal, failure: Failure) {
        if let Some(entry) = self.0.iter_mut().rev().find(|entry| entry.receiver.is_same(receiver)) {
            entry.failure = Some(Box::new(failure));
        }
    }
}

/// How one receiver ended.
#[derive(Debug)]
pub struct ReportEntry {
    receiver: ReceiverInfo,
    signal: Signal,
    // Boxed, so that the report of a success is small.
    failure: Option<Box<Failure>>,
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
        self.failure.as_deref().map_or(Ok(()), Err)
    }

    pub(super) fn failed(receiver: &ReceiverInfo, signal: Signal, failure: Failure) -> Self {
        Self { receiver: receiver.clone(), signal, failure: Some(Box::new(failure)) }
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

impl Failure {
    #[cold]
    pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Self {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("(no message)").to_owned();
        // What was thrown is the receiver's own: it may panic once more as it goes, and what it throws then is kept.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(another);
        }
        Self::Panic(text)
    }
}
