//! What a reconciliation has found so far.

use jiff::Timestamp;

use super::{Difference, Missing};
use crate::models::TransactionId;

/// How far a reconciliation has come.
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
    /// How many of them we didn't have.
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
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reconciled {
    /// Everything before this was compared: where to go on.
    pub done_until: Timestamp,
    /// How many entries of the report were compared.
    pub entries: usize,
    /// Payments of the report that we didn't have. They were recorded, unless it was a dry run.
    pub missing: Vec<Missing>,
    /// Where our books differed. They were mended, unless it was a dry run.
    pub differences: Vec<Difference>,
    /// What couldn't be mended: it takes a person. So it does when the report says that less was given back than the
    /// provider has told of in single refunds.
    pub unresolved: Vec<Difference>,
    /// Completed payments of that time, of which the report says nothing. Nothing was done about them.
    pub unreported: Vec<TransactionId>,
    /// How many transitions this brought, each with its signals.
    pub events: usize,
}

impl Reconciled {
    pub(super) fn new(from: Timestamp) -> Self {
        Self {
            done_until: from,
            entries: 0,
            missing: Vec::new(),
            differences: Vec::new(),
            unresolved: Vec::new(),
            unreported: Vec::new(),
            events: 0,
        }
    }

    /// Whether our books and the provider's agree, or agree now.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.unresolved.is_empty() && self.unreported.is_empty()
    }
}
