//! The polls of payments: when the provider is asked about each next.

use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::find::with_readable_details;
use super::request::{BatchContext, ConflictKeys, Request, SingleRequest};
use super::session::Session;
use super::values::{Statements, integer, text, values};
use crate::models::{EcommerceId, TransactionId};
use crate::store::row::{Columns, poll_columns, select_transaction};
use crate::store::{MatchCriteria, PollLane, PollTask, Reschedule};
use crate::util::clock::Clock;

/// Deletes polls: these payments need none any more.
pub(super) fn end(statements: &mut Statements<'_>, of: Vec<Uuid>) {
    if !of.is_empty() {
        statements.push(("DELETE FROM athm_poll WHERE transaction_id = ANY ($1)", values![of]));
    }
}

/// Plans a search for the customer of a payment, from the start.
pub(super) fn search_customer(statements: &mut Statements<'_>, of: TransactionId, now: Timestamp) {
    let sql = "INSERT INTO athm_poll (transaction_id, attempts, due_at, is_search) VALUES ($1, 0, $2, true) \
               ON CONFLICT (transaction_id) DO UPDATE SET attempts = 0, due_at = excluded.due_at, is_search = true";
    statements.push((sql, values![*of.as_uuid(), now]));
}

/// Leases due polls until `until`: they are due again then, unless they are rescheduled before. No other process claims
/// them meanwhile.
pub(super) struct ClaimDuePolls {
    pub(super) lane: PollLane,
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
    pub(super) limit: u32,
}

impl Request for ClaimDuePolls {
    type Written = Vec<PollTask>;
}

impl SingleRequest for ClaimDuePolls {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Vec<PollTask>> {
        let sql = concat!(
            "UPDATE athm_poll SET attempts = attempts + 1, due_at = $2 WHERE transaction_id = ANY (ARRAY ",
            "(SELECT transaction_id FROM athm_poll WHERE is_search = $4 AND due_at <= $1 ORDER BY due_at LIMIT $3 ",
            "FOR UPDATE SKIP LOCKED)) RETURNING ",
            poll_columns!()
        );
        let (now, until) = (offset.to_server(self.now), offset.to_server(self.until));
        let values = values![now, until, i64::from(self.limit), self.lane == PollLane::Customer];
        // A damaged row is leased like the others, so that it isn't at the head of the queue next time.
        let (claimed, _) = session.readable("athm_poll", sql, values, |row| row.poll()).await?;
        let mut polls = Vec::new();
        for (id, attempt) in claimed {
            let sql = select_transaction!("FROM athm_transaction t WHERE t.id = $1");
            let of = values![*id.as_uuid()];
            let (found, _) = session.readable("athm_transaction", sql, of, |row| row.transaction()).await?;
            polls.extend(
                with_readable_details(session, found)
                    .await?
                    .into_iter()
                    .map(|transaction| PollTask { transaction, attempt }),
            );
        }
        Ok(polls)
    }
}

impl Request for Reschedule {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(vec![self.transaction.to_string()])
    }
}

impl SingleRequest for Reschedule {
    /// It has no effect once the poll was claimed again or planned anew: `attempts` differs then.
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<()> {
        let (id, attempt) = (*self.transaction.as_uuid(), integer(self.attempt));
        let (sql, values) = match self.due_at {
            Some(due_at) => (
                "UPDATE athm_poll SET due_at = $3 WHERE transaction_id = $1 AND attempts = $2",
                values![id, attempt, offset.to_server(due_at)],
            ),
            None => ("DELETE FROM athm_poll WHERE transaction_id = $1 AND attempts = $2", values![id, attempt]),
        };
        session.execute(sql, values).await.map(drop)
    }
}

pub(super) async fn next_due_poll(session: &Session, clock: &Clock, lane: PollLane) -> Result<Option<Timestamp>> {
    let offset = session.clock_offset(clock).await?;
    let sql = "SELECT min(due_at) FROM athm_poll WHERE is_search = $1";
    let next = session.one(sql, values![lane == PollLane::Customer], |row| row.maybe_time()).await?;
    Ok(next.flatten().map(|next| offset.to_local(next)))
}

/// At most two: more than one match is ambiguous, however many there are.
pub(super) async fn find_open_matching(session: &Session, criteria: &MatchCriteria) -> Result<Vec<EcommerceId>> {
    let sql = "SELECT ecommerce_id FROM athm_transaction WHERE deadline IS NOT NULL AND status IN ('open', 'confirmed') \
               AND metadata_1 = $1 AND total = $2 AND metadata_2 = $3 AND ecommerce_id IS NOT NULL LIMIT 2";
    let values = values![text(&criteria.metadata_1), criteria.total.cents(), text(&criteria.metadata_2)];
    session.all(sql, values, |row| row.id()).await
}
