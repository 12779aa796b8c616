//! Calls to the provider, as they are written down.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use secrecy::SecretString;

use super::DUE;
use super::find::by_id;
use super::refunds::{not_done, refunds_of, write_refund};
use super::statement::{all, execute, one};
use crate::models::{
    BeginOperation, BeginResult, LockedPayment, OperationOutcome, OperationResult, TransactionId, UnresolvedOperation,
};

pub(super) fn begin(connection: &Connection, beginning: &BeginOperation) -> rusqlite::Result<BeginResult> {
    let id = beginning.transaction;
    let begun = beginning.decide(beginning.now, locked(connection, id)?);
    if let Ok(started) = &begun {
        let operation = beginning.operation.as_str();
        let sql = "DELETE FROM athm_operation WHERE transaction_id = ?1 AND operation = ?2";
        execute(connection, sql, params![id.as_uuid(), operation])?;
        let sql = "INSERT INTO athm_operation (id, transaction_id, operation, is_under_way, ends_at, attempts, due_at) \
                   VALUES (?1, ?2, ?3, 1, ?4, 0, ?4)";
        execute(connection, sql, params![started.intent, id.as_uuid(), operation, beginning.ends_at.as_microsecond()])?;
        if let Some(refund) = &started.refund {
            write_refund(connection, refund)?;
        }
    }
    Ok(begun)
}

fn locked(connection: &Connection, id: TransactionId) -> rusqlite::Result<Option<LockedPayment>> {
    let Some(transaction) = by_id(connection, id)? else { return Ok(None) };
    let sql = "SELECT auth_token FROM athm_transaction WHERE id = ?1";
    let token: Option<String> = connection.prepare_cached(sql)?.query_row([id.as_uuid()], |row| row.get(0))?;
    let sql = "SELECT operation, is_under_way, ends_at FROM athm_operation WHERE transaction_id = ?1";
    let intents = all(connection, sql, [id.as_uuid()], |columns| columns.intent())?;
    let refunds = refunds_of(connection, id)?.into_iter().collect();
    Ok(Some(LockedPayment { transaction, auth_token: token.map(SecretString::from), intents, refunds }))
}

pub(super) fn finish_operation(connection: &Connection, conclusion: &OperationResult) -> rusqlite::Result<()> {
    let OperationResult { intent, outcome } = conclusion;
    match outcome {
        OperationOutcome::Known => execute(connection, "DELETE FROM athm_operation WHERE id = ?1", [intent]),
        OperationOutcome::NotDone => not_done(connection, (*intent).into()),
        OperationOutcome::Unknown { ended_at, due_at } => {
            let sql = "UPDATE athm_operation SET is_under_way = 0, ends_at = ?2, due_at = ?3 WHERE id = ?1";
            execute(connection, sql, params![intent, ended_at.as_microsecond(), due_at.as_microsecond()])
        }
    }
}

pub(super) fn unresolved(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<UnresolvedOperation>> {
    let sql = "SELECT id, transaction_id, operation, attempts FROM athm_operation WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
    let found = all(connection, sql, params![now.as_microsecond(), DUE], |columns| columns.unresolved())?;
    for unresolved in &found {
        let sql = "UPDATE athm_operation SET attempts = attempts + 1, due_at = ?2 WHERE id = ?1";
        execute(connection, sql, params![unresolved.intent, unresolved.next_attempt_at(now).as_microsecond()])?;
    }
    Ok(found)
}

pub(super) fn next_unresolved(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due_at) FROM athm_operation";
    Ok(one(connection, sql, [], |columns| columns.maybe_time())?.flatten())
}

/// Nobody else has the file: whoever made these calls is gone.
pub(super) fn end_all(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_operation SET is_under_way = 0, ends_at = min(ends_at, ?1), due_at = ?1 WHERE is_under_way";
    execute(connection, sql, [now.as_microsecond()])
}
