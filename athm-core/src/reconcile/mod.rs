//! Comparing our books with the provider's, and mending ours.

mod difference;
mod error;
mod progress;
mod scan;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use self::difference::{Difference, Differs, Missing};
pub use self::error::ReconcileError;
pub use self::progress::{Progress, Reconciled};
use self::scan::ReportScan;
use crate::inbox::Inbox;

/// How much of the report is read at once.
const SLICE: Duration = Duration::from_secs(24 * 60 * 60);

type OnProgress<'a> = Box<dyn FnMut(&Progress) + Send + 'a>;

/// A comparison of our books with the provider's report: [`Athm::reconcile`](crate::Athm::reconcile). Nothing happens before
/// [`dry_run`](Self::dry_run), which only tells, or [`run`](Self::run), which mends.
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

/// Whether what is wrong is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Dry,
    Real,
}

impl<'a> Reconciliation<'a> {
    pub(crate) fn new(inbox: &'a Inbox, from: Timestamp, until: Timestamp) -> Self {
        Self { inbox, from, until, slice: SLICE, on_progress: None }
    }

    /// How much of the report is read at once: a day unless given, at least a second. What the provider finds too long is
    /// halved.
    pub fn slice(mut self, slice: Duration) -> Self {
        self.slice = slice.max(Duration::from_secs(1));
        self
    }

    /// Is told after each slice how far it has come: for a progress bar, and to go on from there another time.
    pub fn on_progress(mut self, on_progress: impl FnMut(&Progress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(on_progress));
        self
    }

    /// Tells what would be mended, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] holds what was found until then.
    pub async fn dry_run(self) -> Result<Reconciled, ReconcileError> {
        ReportScan::of(self, Mode::Dry)?.execute().await
    }

    /// Records what is missing, with its signals, and mends what differs. Safe to run again, and while payments come in.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] holds what was done until then: begin again where it stopped.
    pub async fn run(self) -> Result<Reconciled, ReconcileError> {
        ReportScan::of(self, Mode::Real)?.execute().await
    }
}

impl fmt::Debug for Reconciliation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until, slice, .. } = self;
        f.debug_struct("Reconciliation").field("from", from).field("until", until).field("slice", slice).finish()
    }
}
