//! Reconciliation: compares the recorded payments with the provider's report, and corrects the records.

mod difference;
pub(crate) mod error;
mod progress;
mod scan;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use self::difference::{Difference, DifferingField, MissingPayment, UnattributedRefund};
use self::error::ReconcileError;
pub use self::progress::{Progress, ReconcileSummary};
use self::scan::ReportScan;
use crate::inbox::Inbox;
use crate::store::RunMode;

/// The time range that is read from the report at once.
const SLICE: Duration = Duration::from_secs(24 * 60 * 60);

type OnProgress<'a> = Box<dyn FnMut(&Progress) + Send + 'a>;

/// A comparison of the recorded payments with the provider's report: [`Athm::reconcile`](crate::Athm::reconcile). Nothing
/// happens before [`dry_run`](Self::dry_run), which only reports, or [`run`](Self::run), which also corrects.
///
/// ```no_run
/// # async fn reconcile(athm: athm_core::Athm) -> Result<(), Box<dyn std::error::Error>> {
/// use jiff::{Timestamp, ToSpan};
///
/// let now = Timestamp::now();
/// let reconciled = athm.reconcile(now - 24.hours() * 3, now).run().await?;
/// println!("{} payments were missing", reconciled.missing.len());
/// # Ok(()) }
/// ```
#[must_use = "a reconciliation does nothing until `run`"]
pub struct Reconciliation<'a> {
    inbox: &'a Inbox,
    from: Timestamp,
    until: Timestamp,
    slice: Duration,
    on_progress: Option<OnProgress<'a>>,
}

impl<'a> Reconciliation<'a> {
    pub(crate) fn new(inbox: &'a Inbox, from: Timestamp, until: Timestamp) -> Self {
        Self { inbox, from, until, slice: SLICE, on_progress: None }
    }

    /// The time range that is read from the report at once: a day unless given, at least a second. When the provider
    /// answers that a range is too long, it is halved.
    pub fn slice(mut self, slice: Duration) -> Self {
        self.slice = slice.max(Duration::from_secs(1));
        self
    }

    /// Calls the closure after each slice, with the progress: for a progress bar, and to continue from there another time.
    pub fn on_progress(mut self, on_progress: impl FnMut(&Progress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(on_progress));
        self
    }

    /// Reports what would be corrected, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] holds what was found before it.
    pub async fn dry_run(self) -> Result<ReconcileSummary, ReconcileError> {
        ReportScan::of(self, RunMode::Dry)?.execute().await
    }

    /// Records missing payments, with their signals, and corrects those that differ. Safe to run again, and while payments
    /// arrive.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] holds what was done before it: begin again where it stopped.
    pub async fn run(self) -> Result<ReconcileSummary, ReconcileError> {
        ReportScan::of(self, RunMode::Real)?.execute().await
    }
}

impl fmt::Debug for Reconciliation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until, slice, .. } = self;
        f.debug_struct("Reconciliation").field("from", from).field("until", until).field("slice", slice).finish()
    }
}
