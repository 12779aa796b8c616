//! What the provider is to be asked about payments, and when.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::find::by_id;
use super::statement::{all, execute, one};
use crate::models::{EcommerceId, TransactionId};
use crate::store::poll::PollPlan;
use crate::store::{MatchCriteria, PollTask, Reschedule};
use crate::util::clock::later;

/// How many have their turn at once.
const TURNS: u32 = 16;

pub(super) fn plan(connection: &Connection, of: TransactionId, plan: PollPlan, now: Timestamp) -> rusqlite::Result<()> {
    match plan {
        PollPlan::Keep => Ok(()),
        PollPlan::In(pause) => {
            let sql = "INSERT INTO athm_poll (transaction_id, attempts, due_at) VALUES (?1, 0, ?2) \
                       ON CONFLICT (transaction_id) DO UPDATE SET attempts = 0, due_at = excluded.due_at";
            execute(connection, sql, params![of.as_uuid(), later(now, pause).as_microsecond()])
        }
        PollPlan::AttemptOutcome => end(connection, of),
    }
}

pub(super) fn end(connection: &Connection, of: TransactionId) -> rusqlite::Result<()> {
    execute(connection, "DELETE FROM athm_poll WHERE transaction_id = ?1", [of.as_uuid()])
}

pub(super) fn take(connection: &Connection, now: Timestamp, until: Timestamp) -> rusqlite::Result<Vec<PollTask>> {
    let sql = "SELECT transaction_id, attempts FROM athm_poll WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
    let due = all(connection, sql, params![now.as_microsecond(), TURNS], |columns| columns.turn())?;
    let mut polls = Vec::new();
    for (id, attempts) in due {
        let sql = "UPDATE athm_poll SET attempts = attempts + 1, due_at = ?2 WHERE transaction_id = ?1";
        execute(connection, sql, params![id.as_uuid(), until.as_microsecond()])?;
        polls.extend(by_id(connection, id)?.map(|transaction| PollTask { transaction, attempt: attempts + 1 }));
    }
    Ok(polls)
}

pub(super) fn reschedule(connection: &Connection, next: &Reschedule) -> rusqlite::Result<()> {
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

pub(super) fn next(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    Ok(one(connection, "SELECT min(due_at) FROM athm_poll", [], |columns| columns.maybe_time())?.flatten())
}

/// Two at most: several are as good as none.
pub(super) fn find_open_matching(connection: &Connection, like: &MatchCriteria) -> rusqlite::Result<Vec<EcommerceId>> {
    let sql = "SELECT ecommerce_id FROM athm_transaction WHERE deadline IS NOT NULL AND status IN ('open', 'confirmed') \
               AND metadata_1 = ?1 AND total = ?2 AND metadata_2 = ?3 AND ecommerce_id IS NOT NULL LIMIT 2";
    let MatchCriteria { total, metadata_1, metadata_2 } = like;
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![metadata_1, total.cents(), metadata_2], |row| row.get::<_, Uuid>(0))?;
    found.map(|id| id.map(EcommerceId::from)).collect()
}
