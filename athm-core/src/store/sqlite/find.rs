//! Payments, looked up and listed.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::row::SqliteRow;
use super::statement::{all, one};
use crate::models::{Event, Transaction, TransactionId};
use crate::store::row::{Columns, customer_columns, item_columns, select_event, select_transaction};
use crate::store::{Page, TransactionQuery};

pub(super) fn by_id(connection: &Connection, id: TransactionId) -> rusqlite::Result<Option<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = ?1");
    let found = one(connection, sql, [id.as_uuid()], |row| row.transaction())?;
    found.map(|transaction| with_details(connection, transaction)).transpose()
}

/// All payments that have one of these names: two when the names turn out to be one payment's.
pub(super) fn by_names(
    connection: &Connection,
    ecommerce_id: Option<Uuid>,
    reference: Option<&str>,
) -> rusqlite::Result<Vec<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = ?1 OR t.reference_number = ?2");
    let found = all(connection, sql, params![ecommerce_id, reference], |row| row.transaction())?;
    found.into_iter().map(|transaction| with_details(connection, transaction)).collect()
}

pub(super) fn list_payments(connection: &Connection, query: &TransactionQuery) -> rusqlite::Result<Page> {
    let of_all = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= ?1 AND t.created_at < ?2 AND (t.created_at, t.id) < (?3, ?4) \
         ORDER BY t.created_at DESC, t.id DESC LIMIT ?5"
    );
    let of_status = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= ?1 AND t.created_at < ?2 AND (t.created_at, t.id) < (?3, ?4) \
         AND t.status = ?6 ORDER BY t.created_at DESC, t.id DESC LIMIT ?5"
    );
    let since = query.since.map_or(i64::MIN, Timestamp::as_microsecond);
    let until = query.until.map_or(i64::MAX, Timestamp::as_microsecond);
    let (after, after_id) = query
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (cursor.created_at.as_microsecond(), *cursor.id.as_uuid()));
    let size = query.page_size();
    let read = |row: &mut SqliteRow<'_>| row.transaction();
    let found = match &query.status {
        None => all(connection, of_all, params![since, until, after, after_id, size + 1], read)?,
        Some(status) => {
            all(connection, of_status, params![since, until, after, after_id, size + 1, status.to_string()], read)?
        }
    };
    let detailed = found.into_iter().map(|transaction| with_details(connection, transaction));
    Ok(Page::of(detailed.collect::<rusqlite::Result<_>>()?, size))
}

/// The payment with its items and its customer, which are in tables of their own.
pub(super) fn with_details(connection: &Connection, mut transaction: Transaction) -> rusqlite::Result<Transaction> {
    let id = transaction.id;
    let sql = concat!("SELECT ", item_columns!(), " FROM athm_item WHERE transaction_id = ?1 ORDER BY position");
    transaction.items = all(connection, sql, [id.as_uuid()], |row| row.item())?;
    let sql = concat!("SELECT ", customer_columns!(), " FROM athm_customer WHERE transaction_id = ?1");
    transaction.customer = one(connection, sql, [id.as_uuid()], |row| row.customer())?;
    Ok(transaction)
}

/// The events of a payment, oldest first.
pub(super) fn list_events(connection: &Connection, id: TransactionId) -> rusqlite::Result<Vec<Event>> {
    let sql = select_event!("WHERE e.transaction_id = ?1 ORDER BY e.created_at, e.id");
    all(connection, sql, [id.as_uuid()], |row| row.event())
}
