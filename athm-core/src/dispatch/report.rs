//! How the receivers of a dispatch ended.

use std::fmt;
use std::sync::OnceLock;

use super::Snapshot;
use crate::models::{Sender, Signal};
use crate::receiver::{Failure, ReceiverInfo};

/// How every receiver of one dispatch ended, in the order in which they started.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::dispatch::Dispatcher;
/// use athm_core::{Amount, Sender, Signal, Status, Transaction};
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
#[must_use = "a report says which receivers failed"]
pub struct Report(Box<Ran>);

/// Boxed, because a report is moved often.
struct Ran {
    receivers: Snapshot,
    signals: &'static [Signal],
    sender: Sender,
    /// Filled at once when a receiver failed, or wasn't called for its condition. Otherwise computed from the receivers
    /// when it is first read.
    entries: OnceLock<Vec<ReportEntry>>,
}

impl Report {
    /// Every receiver that ran, in order.
    #[must_use]
    pub fn entries(&self) -> &[ReportEntry] {
        self.0.entries.get_or_init(|| self.0.successes())
    }

    /// Those that failed.
    pub fn failures(&self) -> impl Iterator<Item = &ReportEntry> {
        self.0.entries.get().into_iter().flatten().filter(|entry| entry.failure.is_some())
    }

    /// Whether none failed; so, too, when none ran.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Whether no receiver listened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    #[inline]
    pub(super) fn new(
        receivers: Snapshot,
        signals: &'static [Signal],
        sender: Sender,
        failed: Vec<ReportEntry>,
        skipped: Vec<(ReceiverInfo, Signal)>,
    ) -> Self {
        let entries = OnceLock::new();
        let mut ran = Box::new(Ran { receivers, signals, sender, entries });
        if !failed.is_empty() || !skipped.is_empty() {
            ran.entries = ran.with(failed, &skipped).into();
        }
        Self(ran)
    }
}

impl Ran {
    /// An entry for every receiver that ran, all successful.
    fn successes(&self) -> Vec<ReportEntry> {
        let listening =
            |signal: Signal| self.receivers.listening(signal, &self.sender).map(move |receiver| (receiver, signal));
        let ran = self.signals.iter().copied().flat_map(listening);
        ran.map(|(receiver, signal)| ReportEntry { receiver: receiver.clone(), signal, failure: None }).collect()
    }

    #[cold]
    fn with(&self, failed: Vec<ReportEntry>, skipped: &[(ReceiverInfo, Signal)]) -> Vec<ReportEntry> {
        let mut entries = self.successes();
        entries.retain(|entry| {
            let is_skipped = |(receiver, signal): &(ReceiverInfo, Signal)| {
                entry.signal == *signal && entry.receiver.is_same(receiver)
            };
            !skipped.iter().any(is_skipped)
        });
        for failed in failed {
            if let Some(entry) = entries.iter_mut().find(|entry| entry.is_of(&failed)) {
                *entry = failed;
            }
        }
        entries
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Report").field(&self.entries()).finish()
    }
}

/// How one receiver ended.
///
/// ```
/// use athm_core::dispatch::Report;
///
/// fn print(report: &Report) {
///     for entry in report.entries() {
///         match entry.result() {
///             Ok(()) => println!("{} succeeded for {}", entry.receiver(), entry.signal()),
///             Err(failure) => println!("{} failed for {}: {failure}", entry.receiver(), entry.signal()),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct ReportEntry {
    receiver: ReceiverInfo,
    signal: Signal,
    failure: Option<Failure>,
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
        self.failure.as_ref().map_or(Ok(()), Err)
    }

    fn is_of(&self, other: &Self) -> bool {
        self.signal == other.signal && self.receiver.is_same(&other.receiver)
    }

    pub(super) fn failed(receiver: &ReceiverInfo, signal: Signal, failure: Failure) -> Self {
        Self { receiver: receiver.clone(), signal, failure: Some(failure) }
    }
}
