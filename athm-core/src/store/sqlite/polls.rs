//! The polls of payments: when the provider is asked about each next.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::find::by_id;
use super::row::SqliteRow;
use super::statement::{execute, one, postpone, readable, readable_one};
use crate::models::{EcommerceId, TransactionId};
use crate::store::poll::PollPlan;
use crate::store::row::{Columns, poll_columns};
use crate::store::{DamagedRows, MatchCriteria, PollLane, PollTask, Reschedule};
use crate::util::clock::later;

/// How many payments are read to find two that match.
const MAX_READ_MATCHES: u32 = 64;

/// Carries out what recording a payment decided about its poll.
pub(super) fn plan(connection: &Connection, of: TransactionId, plan: PollPlan, now: Timestamp) -> rusqlite::Result<()> {
    match plan {
        PollPlan::Keep => Ok(()),
        PollPlan::In(pause, lane) => {
            let sql = "INSERT INTO athm_poll (transaction_id, attempts, due_at, is_search) VALUES (?1, 0, ?2, ?3) \
                       ON CONFLICT (transaction_id) DO UPDATE SET attempts = 0, due_at = excluded.due_at, \
                       is_search = excluded.is_search";
            let due_at = later(now, pause).as_microsecond();
            execute(connection, sql, params![of.as_uuid(), due_at, lane == PollLane::Customer])
        }
        PollPlan::End => end(connection, of),
    }
}

pub(super) fn end(connection: &Connection, of: TransactionId) -> rusqlite::Result<()> {
    execute(connection, "DELETE FROM athm_poll WHERE transaction_id = ?1", [of.as_uuid()])
}

/// Takes due polls, and leases them until `until`: they are due again then, unless they are rescheduled before.
pub(super) fn claim_due_polls(
    connection: &Connection,
    lane: PollLane,
    (now, until): (Timestamp, Timestamp),
    limit: u32,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<PollTask>> {
    let sql = concat!(
        "SELECT ",
        poll_columns!(),
        " FROM athm_poll WHERE is_search = ?3 AND due_at <= ?1 ORDER BY due_at LIMIT ?2"
    );
    let is_search = lane == PollLane::Customer;
    let values = params![now.as_microsecond(), limit, is_search];
    let due = readable(connection, ("athm_poll", damaged), sql, values, |row| row.poll())?;
    postpone(connection, "UPDATE athm_poll SET due_at = ?2 WHERE transaction_id = ?1", &due.damaged, now)?;
    let mut polls = Vec::new();
    for (id, attempts) in due.rows {
        let sql = "UPDATE athm_poll SET attempts = attempts + 1, due_at = ?2 WHERE transaction_id = ?1";
        execute(connection, sql, params![id.as_uuid(), until.as_microsecond()])?;
        let found = readable_one(("athm_transaction", damaged), id.as_uuid(), by_id(connection, id))?;
        polls.extend(found.flatten().map(|transaction| PollTask { transaction, attempt: attempts + 1 }));
    }
    Ok(polls)
}

/// Sets when a payment is polled next. It has no effect once the poll was claimed again or planned anew: `attempts`
/// differs then.
pub(super) fn reschedule_poll(connection: &Connection, next: &Reschedule) -> rusqlite::Result<()> {
    let Reschedule { transaction, attempt, due_at } = next;
    match due_at {
        Some(due_at) => {
            let sql = "UPDATE athm_poll SET due_at = ?3 WHERE transaction_id = ?1 AND attempts = ?2";
            execute(connection, sql, params![transaction.as_uuid(), attempt, due_at.as_microsecond()])
        }
        None => {
            let sql = "DELETE FROM athm_poll WHERE transaction_id = ?1 AND attempts = ?2";
            execute(connection, sql, params![transaction.as_uuid(), attempt])
        }
    }
}

pub(super) fn next_due_poll(connection: &Connection, lane: PollLane) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due_at) FROM athm_poll WHERE is_search = ?1";
    Ok(one(connection, sql, [lane == PollLane::Customer], |row| row.maybe_time())?.flatten())
}

/// At most two: more than one match is ambiguous, however many there are. More are read, because some may be damaged.
pub(super) fn find_open_matching(
    connection: &Connection,
    criteria: &MatchCriteria,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<EcommerceId>> {
    let sql = "SELECT id, ecommerce_id FROM athm_transaction WHERE deadline IS NOT NULL AND status IN ('open', 'confirmed') \
               AND metadata_1 = ?1 AND total = ?2 AND metadata_2 = ?3 AND ecommerce_id IS NOT NULL LIMIT ?4";
    let MatchCriteria { total, metadata_1, metadata_2 } = criteria;
    let values = params![metadata_1, total.cents(), metadata_2, MAX_READ_MATCHES];
    let read = |row: &mut SqliteRow<'_>| {
        row.uuid()?;
        row.id()
    };
    let mut found: Vec<EcommerceId> = readable(connection, ("athm_transaction", damaged), sql, values, read)?.rows;
    found.truncate(2);
    Ok(found)
}
