//! Rows that can't be read: edited by hand, or written by a newer version.
//!
//! Where many rows are read, such a row is skipped, so that nothing else waits for it. In a queue it is due again after
//! [`DAMAGED_PAUSE`], and none of its attempts is spent. Where the row itself is asked for, the answer is an error: a
//! payment is recorded, looked up or refunded by what all its rows say, or not at all.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::util::clock::system_now;
use crate::util::text::causes;

/// How long a damaged row of a queue is left alone. By then it may be repaired, or this program a newer version.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) const DAMAGED_PAUSE: Duration = Duration::from_secs(60 * 60);
/// How many damaged rows are listed. More are skipped all the same.
const MAX_LISTED: usize = 1000;

/// A row of the database that can't be read, because it was edited by hand or written by a newer version of athm.
///
/// ```no_run
/// # fn report(athm: athm_core::Athm) {
/// for row in athm.damaged_rows() {
///     println!("{} {}: {}", row.table, row.id, row.reason);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DamagedRow {
    /// The table that it is in. Of rows that are read together, such as a payment and its items, one stands for all.
    pub table: &'static str,
    /// Its id in that table, in hexadecimal digits.
    pub id: String,
    /// Which column can't be read, and why.
    pub reason: String,
    /// When this process met it first.
    pub found_at: Timestamp,
}

/// The damaged rows that this process has met.
#[derive(Debug, Clone, Default)]
pub(crate) struct DamagedRows(Arc<Mutex<BTreeMap<(&'static str, String), DamagedRow>>>);

impl DamagedRows {
    /// Adds a row, and logs it the first time.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn add(&self, table: &'static str, id: String, error: &(dyn Error + 'static)) {
        let reason = causes(error);
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= MAX_LISTED || rows.contains_key(&(table, id.clone())) {
            return;
        }
        tracing::error!(table, id, error = reason, "a row can't be read and is skipped: edited by hand, or too new?");
        rows.insert((table, id.clone()), DamagedRow { table, id, reason, found_at: system_now() });
    }

    pub(crate) fn list(&self) -> Vec<DamagedRow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
