//! Intents to open payments.

use futures_util::FutureExt;
use futures_util::future::ready;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::Sqlite;
use super::statement::{all, execute, one};
use crate::models::TransactionId;
use crate::models::payment_intent::{
    BeginOpening, FinishOpening, NewIntent, NotOpening, OpeningOutcome, StartedOpening, StoredIntent,
};
use crate::store::payment_intent::{
    InsertIntentError, KeyTaken, MAX_DUE_INTENTS, PaymentIntentStore, insert_in_rusqlite,
};
use crate::store::row::{Columns, payment_intent_columns};
use crate::store::{StoreError, StoreFuture};

impl PaymentIntentStore for Sqlite {
    fn stored_time(&self, at: Timestamp) -> StoreFuture<'_, Timestamp> {
        ready(Ok(at)).boxed()
    }

    fn insert_intent(&self, new: NewIntent) -> StoreFuture<'_, Result<TransactionId, KeyTaken>> {
        let insert = move |connection: &Connection| match insert_in_rusqlite(connection, &new) {
            Ok(id) => Ok(Ok(id)),
            Err(InsertIntentError::KeyTaken) => Ok(Err(KeyTaken)),
            Err(InsertIntentError::OtherDatabase) => Err(StoreError::database("a table is missing")),
            Err(InsertIntentError::Database(error)) => Err(StoreError::database(error)),
        };
        self.writer.write(insert, |inserted| inserted)
    }

    fn find_intent(&self, id: TransactionId) -> StoreFuture<'_, Option<StoredIntent>> {
        self.reader.read(move |connection| find(connection, id))
    }

    fn begin_opening(&self, request: BeginOpening) -> StoreFuture<'_, Result<StartedOpening, NotOpening>> {
        self.writer.write(move |connection| Ok(begin_opening(connection, request)?), |begun| begun)
    }

    fn finish_opening(&self, result: FinishOpening) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(finish_opening(connection, &result)?))
    }

    fn due_intents(&self, now: Timestamp) -> StoreFuture<'_, Vec<TransactionId>> {
        self.reader.read(move |connection| {
            let sql = "SELECT id FROM athm_payment_intent WHERE state IN ('due', 'opening') AND due_at <= ?1 \
                       ORDER BY due_at LIMIT ?2";
            all(connection, sql, params![now.as_microsecond(), MAX_DUE_INTENTS], |row| row.id())
        })
    }
}

fn find(connection: &Connection, id: TransactionId) -> rusqlite::Result<Option<StoredIntent>> {
    let sql = concat!("SELECT ", payment_intent_columns!(), " FROM athm_payment_intent WHERE id = ?1");
    one(connection, sql, [id.as_uuid()], |row| row.payment_intent())
}

fn begin_opening(
    connection: &Connection,
    request: BeginOpening,
) -> rusqlite::Result<Result<StartedOpening, NotOpening>> {
    let id = request.id.as_uuid();
    let Some(intent) = find(connection, request.id)? else { return Ok(Err(NotOpening::NoSuchIntent)) };
    let sql = "SELECT EXISTS (SELECT 1 FROM athm_transaction WHERE id = ?1)";
    let is_recorded = one(connection, sql, [id], |row| row.boolean())?.unwrap_or_default();
    let begun = intent.begin(request.now, is_recorded);
    match &begun {
        Ok(started) => {
            let sql = "UPDATE athm_payment_intent SET state = 'opening', attempts = ?2, due_at = ?3 WHERE id = ?1";
            execute(connection, sql, params![id, started.attempt, request.ends_at.as_microsecond()])?;
        }
        Err(NotOpening::Opened(_)) => {
            let sql = "UPDATE athm_payment_intent SET state = 'opened', phone = NULL, error = NULL WHERE id = ?1 \
                       AND state <> 'opened'";
            execute(connection, sql, [id])?;
        }
        Err(NotOpening::Failed(error)) => fail(connection, request.id, error)?,
        Err(NotOpening::NoSuchIntent | NotOpening::UnderWay) => {}
    }
    Ok(begun)
}

fn fail(connection: &Connection, id: TransactionId, error: &str) -> rusqlite::Result<()> {
    let sql =
        "UPDATE athm_payment_intent SET state = 'failed', phone = NULL, error = ?2 WHERE id = ?1 AND state <> 'failed'";
    execute(connection, sql, params![id.as_uuid(), error])
}

fn finish_opening(connection: &Connection, result: &FinishOpening) -> rusqlite::Result<()> {
    let (id, attempt) = (result.id.as_uuid(), result.attempt);
    match &result.outcome {
        OpeningOutcome::Opened(ecommerce_id) => {
            // Its payment is recorded, even if this opening counts as ended.
            let sql = "UPDATE athm_payment_intent SET state = 'opened', ecommerce_id = ?2, phone = NULL, error = NULL \
                       WHERE id = ?1 AND state <> 'opened'";
            execute(connection, sql, params![id, ecommerce_id.as_uuid()])
        }
        OpeningOutcome::Failed(error) => {
            let sql = "UPDATE athm_payment_intent SET state = 'failed', phone = NULL, error = ?3 \
                       WHERE id = ?1 AND attempts = ?2 AND state = 'opening'";
            execute(connection, sql, params![id, attempt, error])
        }
        OpeningOutcome::Again { due_at, error } => {
            let sql = "UPDATE athm_payment_intent SET state = 'due', due_at = min(?3, deadline), error = ?4 \
                       WHERE id = ?1 AND attempts = ?2 AND state = 'opening'";
            execute(connection, sql, params![id, attempt, due_at.as_microsecond(), error])
        }
    }
}

/// Ends the openings of the last process: no other process has the file.
pub(super) fn end_all(connection: &Connection) -> rusqlite::Result<()> {
    // The first condition is that of the index: a scan of all intents takes long.
    let sql = "UPDATE athm_payment_intent SET due_at = 0 WHERE state IN ('due', 'opening') AND state = 'opening'";
    execute(connection, sql, [])
}
