//! Operations: calls to the provider that may change a payment. Their intent is stored before the call.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use secrecy::SecretString;

use super::find::by_id;
use super::refunds::{mark_not_done, refunds_of, write_refund};
use super::statement::{all, execute, one, postpone, readable};
use crate::models::{
    BeginOperation, BeginResult, LockedPayment, OperationOutcome, OperationResult, TransactionId, UnresolvedOperation,
};
use crate::store::limits::MAX_CLAIMED;
use crate::store::row::{Columns, intent_columns, unresolved_columns};
use crate::store::{DamagedRows, Policy};

/// Stores an operation's intent, or says why it may not begin. An earlier attempt of the same operation is replaced: the
/// rules allow another one only once the outcome of that was looked up.
pub(super) fn begin_operation(
    connection: &Connection,
    policy: &Policy,
    request: &BeginOperation,
) -> rusqlite::Result<BeginResult> {
    let id = request.transaction;
    let begun = policy.begin(request, request.now, locked(connection, id)?);
    if let Ok(started) = &begun {
        let operation = request.operation.as_str();
        let sql = "DELETE FROM athm_operation WHERE transaction_id = ?1 AND operation = ?2";
        execute(connection, sql, params![id.as_uuid(), operation])?;
        let sql = "INSERT INTO athm_operation (id, transaction_id, operation, is_under_way, ends_at, attempts, due_at) \
                   VALUES (?1, ?2, ?3, 1, ?4, 0, ?4)";
        execute(
            connection,
            sql,
            params![started.intent_id, id.as_uuid(), operation, request.ends_at.as_microsecond()],
        )?;
        if let Some(refund) = &started.refund {
            write_refund(connection, refund)?;
        }
    }
    Ok(begun)
}

/// The payment with its operations. Nothing has to be locked: one connection writes, one transaction at a time.
fn locked(connection: &Connection, id: TransactionId) -> rusqlite::Result<Option<LockedPayment>> {
    let Some(transaction) = by_id(connection, id)? else { return Ok(None) };
    let sql = "SELECT auth_token FROM athm_transaction WHERE id = ?1";
    let token: Option<String> = connection.prepare_cached(sql)?.query_row([id.as_uuid()], |row| row.get(0))?;
    let sql = concat!("SELECT ", intent_columns!(), " FROM athm_operation WHERE transaction_id = ?1");
    let intents = all(connection, sql, [id.as_uuid()], |row| row.intent())?;
    let refunds = refunds_of(connection, id)?.into_iter().collect();
    Ok(Some(LockedPayment { transaction, auth_token: token.map(SecretString::from), intents, refunds }))
}

pub(super) fn finish_operation(connection: &Connection, result: &OperationResult) -> rusqlite::Result<()> {
    let OperationResult { intent_id, outcome } = result;
    match outcome {
        OperationOutcome::Known => execute(connection, "DELETE FROM athm_operation WHERE id = ?1", [intent_id]),
        OperationOutcome::NotDone => mark_not_done(connection, (*intent_id).into()),
        OperationOutcome::Unknown { ended_at, due_at } => {
            let sql = "UPDATE athm_operation SET is_under_way = 0, ends_at = ?2, due_at = ?3 WHERE id = ?1";
            execute(connection, sql, params![intent_id, ended_at.as_microsecond(), due_at.as_microsecond()])
        }
    }
}

/// Takes operations whose outcome is due to be looked up, and sets when each is due again.
pub(super) fn claim_unresolved_operations(
    connection: &Connection,
    now: Timestamp,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<UnresolvedOperation>> {
    let sql =
        concat!("SELECT ", unresolved_columns!(), " FROM athm_operation WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2");
    let values = params![now.as_microsecond(), MAX_CLAIMED];
    let found = readable(connection, ("athm_operation", damaged), sql, values, |row| row.unresolved())?;
    postpone(connection, "UPDATE athm_operation SET due_at = ?2 WHERE id = ?1", &found.damaged, now)?;
    for unresolved in &found.rows {
        let sql = "UPDATE athm_operation SET attempts = attempts + 1, due_at = ?2 WHERE id = ?1";
        execute(connection, sql, params![unresolved.intent_id, unresolved.next_attempt_at(now).as_microsecond()])?;
    }
    Ok(found.rows)
}

pub(super) fn next_unresolved_operation(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due_at) FROM athm_operation";
    Ok(one(connection, sql, [], |row| row.maybe_time())?.flatten())
}

/// Ends all operations that were in flight when the last process stopped: no other process has the file.
pub(super) fn end_all(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_operation SET is_under_way = 0, ends_at = min(ends_at, ?1), due_at = ?1 WHERE is_under_way";
    execute(connection, sql, [now.as_microsecond()])
}
