//! Calls to the provider, as they are written down.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use secrecy::SecretString;

use super::DUE;
use super::find::by_id;
use super::refunds::{not_done, refunds_of, write_refund};
use super::statement::{all, execute, one};
use crate::models::{Beginning, Begun, Conclusion, OperationOutcome, Standing, TransactionId, Unsettled};

pub(super) fn begin(connection: &Connection, beginning: &Beginning) -> rusqlite::Result<Begun> {
    let id = beginning.transaction;
    let begun = beginning.decide(beginning.now, standing(connection, id)?);
    if let Ok(going) = &begun {
        let operation = beginning.operation.as_str();
        let sql = "DELETE FROM athm_intent WHERE transaction_id = ?1 AND operation = ?2";
        execute(connection, sql, params![id.as_uuid(), operation])?;
        let sql = "INSERT INTO athm_intent (id, transaction_id, operation, is_under_way, ends_at, looks, due_at) \
                   VALUES (?1, ?2, ?3, 1, ?4, 0, ?4)";
        execute(connection, sql, params![going.intent, id.as_uuid(), operation, beginning.ends_at.as_microsecond()])?;
        if let Some(refund) = &going.refund {
            write_refund(connection, refund)?;
        }
    }
    Ok(begun)
}

fn standing(connection: &Connection, id: TransactionId) -> rusqlite::Result<Option<Standing>> {
    let Some(transaction) = by_id(connection, id)? else { return Ok(None) };
    let sql = "SELECT auth_token FROM athm_transaction WHERE id = ?1";
    let token: Option<String> = connection.prepare_cached(sql)?.query_row([id.as_uuid()], |row| row.get(0))?;
    let sql = "SELECT operation, is_under_way, ends_at FROM athm_intent WHERE transaction_id = ?1";
    let intents = all(connection, sql, [id.as_uuid()], |columns| columns.intent())?;
    let refunds = refunds_of(connection, id)?.into_iter().collect();
    Ok(Some(Standing { transaction, auth_token: token.map(SecretString::from), intents, refunds }))
}

pub(super) fn conclude(connection: &Connection, conclusion: &Conclusion) -> rusqlite::Result<()> {
    let Conclusion { intent, outcome } = conclusion;
    match outcome {
        OperationOutcome::Known => execute(connection, "DELETE FROM athm_intent WHERE id = ?1", [intent]),
        OperationOutcome::NotDone => not_done(connection, (*intent).into()),
        OperationOutcome::Unknown { ended_at, due_at } => {
            let sql = "UPDATE athm_intent SET is_under_way = 0, ends_at = ?2, due_at = ?3 WHERE id = ?1";
            execute(connection, sql, params![intent, ended_at.as_microsecond(), due_at.as_microsecond()])
        }
    }
}

pub(super) fn unsettled(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Unsettled>> {
    let sql =
        "SELECT id, transaction_id, operation, looks FROM athm_intent WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
    let found = all(connection, sql, params![now.as_microsecond(), DUE], |columns| columns.unsettled())?;
    for unsettled in &found {
        let sql = "UPDATE athm_intent SET looks = looks + 1, due_at = ?2 WHERE id = ?1";
        execute(connection, sql, params![unsettled.intent, unsettled.next_look(now).as_microsecond()])?;
    }
    Ok(found)
}

pub(super) fn next_unsettled(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due_at) FROM athm_intent";
    Ok(one(connection, sql, [], |columns| columns.maybe_time())?.flatten())
}

/// Nobody else has the file: whoever made these calls is gone.
pub(super) fn end_all(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_intent SET is_under_way = 0, ends_at = min(ends_at, ?1), due_at = ?1 WHERE is_under_way";
    execute(connection, sql, [now.as_microsecond()])
}
