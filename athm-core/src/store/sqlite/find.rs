//! Looking up payments.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::row::Columns;
use super::statement::{all, one};
use crate::models::{Transaction, TransactionId};
use crate::store::{Page, TransactionQuery};

macro_rules! select_transaction {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.kind, t.status, t.ecommerce_id, t.reference_number, t.daily_transaction_id, t.total, ",
            "t.subtotal, t.tax, t.fee, t.net_amount, t.refunded_amount, t.metadata_1, t.metadata_2, t.date, t.deadline, ",
            "t.verified, t.problem, t.created_at, t.updated_at ",
            $rest
        )
    };
}
pub(super) use select_transaction;

pub(super) fn by_id(connection: &Connection, id: TransactionId) -> rusqlite::Result<Option<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = ?1");
    let found = one(connection, sql, [id.as_uuid()], |columns| columns.transaction())?;
    found.map(|transaction| filled(connection, transaction)).transpose()
}

pub(super) fn by_names(
    connection: &Connection,
    ecommerce_id: Option<Uuid>,
    reference: Option<&str>,
) -> rusqlite::Result<Vec<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = ?1 OR t.reference_number = ?2");
    let found = all(connection, sql, params![ecommerce_id, reference], |columns| columns.transaction())?;
    found.into_iter().map(|transaction| filled(connection, transaction)).collect()
}

pub(super) fn list(connection: &Connection, query: &TransactionQuery) -> rusqlite::Result<Page> {
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
    let read = |columns: &mut Columns<'_>| columns.transaction();
    let found = match &query.status {
        None => all(connection, of_all, params![since, until, after, after_id, size + 1], read)?,
        Some(status) => {
            all(connection, of_status, params![since, until, after, after_id, size + 1, status.to_string()], read)?
        }
    };
    let filled = found.into_iter().map(|transaction| filled(connection, transaction));
    Ok(Page::of(filled.collect::<rusqlite::Result<_>>()?, size))
}

/// With its items and its customer.
pub(super) fn filled(connection: &Connection, mut transaction: Transaction) -> rusqlite::Result<Transaction> {
    let id = transaction.id;
    let sql = "SELECT name, description, quantity, price, tax, metadata, sku FROM athm_item \
               WHERE transaction_id = ?1 ORDER BY position";
    transaction.items = all(connection, sql, [id.as_uuid()], |columns| columns.item())?;
    let sql = "SELECT name, phone, email, message FROM athm_customer WHERE transaction_id = ?1";
    transaction.customer = one(connection, sql, [id.as_uuid()], |columns| columns.customer())?;
    Ok(transaction)
}
