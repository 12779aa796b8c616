//! What a reconciliation has found so far.

use jiff::Timestamp;

use super::{Difference, MissingPayment, UnattributedRefund};
use crate::models::{ReferenceNumber, TransactionId};

/// How far a reconciliation has come.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::ReconcileError;
/// use athm_core::jiff::{Timestamp, ToSpan};
///
/// async fn last_day(athm: &Athm) -> Result<(), ReconcileError> {
///     let now = Timestamp::now();
///     let reconciliation = athm.reconcile(now - 24.hours(), now);
///     reconciliation.on_progress(|progress| println!("{} %", progress.percent())).run().await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Where it began.
    pub from: Timestamp,
    /// Where it ends.
    pub until: Timestamp,
    /// Everything before this is done: where to begin if it is broken off now.
    pub done_until: Timestamp,
    /// How many entries of the report were compared.
    pub entries: usize,
    /// How many of them weren't recorded.
    pub missing: usize,
    /// How many differences there were.
    pub differences: usize,
}

impl Progress {
    /// How much of the time is done, of 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let seconds = |until: Timestamp| until.duration_since(self.from).as_secs().max(0);
        let percent = seconds(self.done_until).saturating_mul(100) / seconds(self.until).max(1);
        u8::try_from(percent).unwrap_or(100).min(100)
    }
}

/// What a reconciliation found, and did about it.
///
/// ```
/// use athm_core::reconcile::ReconcileSummary;
///
/// fn print(done: &ReconcileSummary) {
///     if done.agrees() {
///         println!("the books agree: {} entries", done.entries);
///     } else {
///         println!("{} payments need a person", done.unresolved.len() + done.unreported.len());
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReconcileSummary {
    /// Everything before this was compared: where to continue.
    pub done_until: Timestamp,
    /// How many entries of the report were compared.
    pub entries: usize,
    /// Payments in the report that weren't recorded. They are now, unless it was a dry run.
    pub missing: Vec<MissingPayment>,
    /// Fields that differed. They are corrected now, unless it was a dry run.
    pub differences: Vec<Difference>,
    /// What couldn't be corrected and needs a person: also when the report shows a smaller refunded amount than the
    /// provider has reported as single refunds.
    pub unresolved: Vec<Difference>,
    /// Refunds in the report that belong to no payment we know, or that several payments may have been: they need a person.
    pub unattributed: Vec<UnattributedRefund>,
    /// Completed payments in the range that the report doesn't have. Nothing was done about them.
    pub unreported: Vec<TransactionId>,
    /// Entries whose payment couldn't be compared, because a row of it can't be read.
    pub damaged: Vec<ReferenceNumber>,
    /// How many transitions this brought, each with its signals.
    pub events: usize,
}

impl ReconcileSummary {
    pub(super) fn new(from: Timestamp) -> Self {
        Self {
            done_until: from,
            entries: 0,
            missing: Vec::new(),
            differences: Vec::new(),
            unresolved: Vec::new(),
            unattributed: Vec::new(),
            unreported: Vec::new(),
            damaged: Vec::new(),
            events: 0,
        }
    }

    /// Whether the records and the report agree, or agree now.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.unresolved.is_empty()
            && self.unattributed.is_empty()
            && self.unreported.is_empty()
            && self.damaged.is_empty()
    }
}
