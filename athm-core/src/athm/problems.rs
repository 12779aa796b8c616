//! What a person must look at.

use jiff::Timestamp;
use uuid::Uuid;

use super::Athm;
use crate::operations::REFUND_UNRESOLVED_AFTER;
use crate::store::{Problem, ProblemCounts, ProblemKind, ProblemQuery, StoreError};
use crate::util::clock::earlier;

/// What a person must look at, of every sort: [`Athm::problems`].
///
/// ```no_run
/// # async fn look(athm: athm_core::Athm) -> Result<(), athm_core::errors::StoreError> {
/// let mut after = None;
/// loop {
///     let problems = athm.problems().list(after, 100).await?;
///     for problem in &problems {
///         println!("{} {}: {}", problem.kind, problem.id, problem.detail);
///     }
///     let Some(last) = problems.last() else { break };
///     after = Some(last.clone());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Problems<'a> {
    athm: &'a Athm,
}

impl Athm {
    /// What a person must look at: mismatches, odd payments, refused checks, refunds without a known outcome or payment,
    /// second payments of a checkout, dead deliveries, and damaged rows.
    #[must_use]
    pub fn problems(&self) -> Problems<'_> {
        Problems { athm: self }
    }
}

impl Problems<'_> {
    /// How many there are of each sort; a sort without any is absent. For an alarm or a health page.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn counts(&self) -> Result<ProblemCounts, StoreError> {
        let mut counts = self.athm.store().count_problems(self.query(None, 0)).await?;
        let damaged = self.damaged().len();
        if damaged > 0 {
            counts.insert(ProblemKind::DamagedRow, damaged.try_into().unwrap_or(u64::MAX));
        }
        Ok(counts)
    }

    /// A page of them, oldest first: those after that one, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn list(&self, after: Option<Problem>, limit: u32) -> Result<Vec<Problem>, StoreError> {
        let after = after.map(|problem| (problem.created_at, problem.id));
        let mut problems = self.athm.store().list_problems(self.query(after, limit)).await?;
        // Damaged rows are known to this process alone, so they are merged into the page that the database gave.
        problems.extend(self.damaged().into_iter().filter(|problem| Some((problem.created_at, problem.id)) > after));
        problems.sort_by_key(|problem| (problem.created_at, problem.id));
        problems.truncate(limit.try_into().unwrap_or(usize::MAX));
        Ok(problems)
    }

    fn damaged(&self) -> Vec<Problem> {
        let rows = self.athm.damaged_rows().into_iter().map(|row| Problem {
            kind: ProblemKind::DamagedRow,
            id: Uuid::try_parse(&row.id).unwrap_or_default(),
            transaction_id: None,
            detail: format!("{}: {}", row.table, row.reason),
            created_at: row.found_at,
        });
        rows.collect()
    }

    fn query(&self, after: Option<(Timestamp, Uuid)>, limit: u32) -> ProblemQuery {
        let refunds_before = earlier(self.athm.clock().now(), REFUND_UNRESOLVED_AFTER);
        ProblemQuery { refunds_before, after, limit }
    }
}
