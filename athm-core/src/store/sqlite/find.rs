//! Payments, looked up and listed.

use jiff::Timestamp;
use rusqlite::{Connection, Params, params};
use uuid::Uuid;

use super::statement::{all, one, readable, readable_one};
use crate::models::{Event, Transaction, TransactionId};
use crate::store::payment_list::PaymentList;
use crate::store::row::{Columns, customer_columns, item_columns, select_event, select_transaction};
use crate::store::{DamagedRows, Page, TransactionQuery};

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
    let mut found = Vec::new();
    // Not one statement with OR: SQLite would collect what it has found in a table of its own.
    if let Some(id) = ecommerce_id {
        let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = ?1");
        found.extend(one(connection, sql, [id], |row| row.transaction())?);
    }
    if let Some(reference) = reference {
        let sql = select_transaction!("FROM athm_transaction t WHERE t.reference_number = ?1");
        let other = one(connection, sql, [reference], |row| row.transaction())?;
        found.extend(other.filter(|other| found.iter().all(|first: &Transaction| first.id != other.id)));
    }
    found.into_iter().map(|transaction| with_details(connection, transaction)).collect()
}

pub(super) fn list_payments(
    connection: &Connection,
    query: &TransactionQuery,
    damaged: &DamagedRows,
) -> rusqlite::Result<Page> {
    let PaymentList { sql, by, filters } = PaymentList::of(query);
    let since = query.since.map_or(i64::MIN, Timestamp::as_microsecond);
    let until = query.until.map_or(i64::MAX, Timestamp::as_microsecond);
    let (after, after_id) = query
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (cursor.created_at.as_microsecond(), *cursor.id.as_uuid()));
    let size = query.page_size();
    let [status, kind, metadata_1, metadata_2, reference, daily, email] = filters;
    let mut limit = size + 1;
    loop {
        let values = params![
            by, since, until, after, after_id, status, kind, metadata_1, metadata_2, reference, daily, email, limit
        ];
        let (found, skipped) = readable_payments(connection, damaged, sql, values)?;
        let read = u32::try_from(found.len()).unwrap_or(u32::MAX);
        // A page is full of payments that can be read, however many damaged ones lie between them.
        if read > size || read + skipped < limit {
            return Ok(Page::of(found, size));
        }
        limit = limit.saturating_mul(2);
    }
}

/// Payments with their details, and how many were skipped as damaged.
pub(super) fn readable_payments(
    connection: &Connection,
    damaged: &DamagedRows,
    sql: &str,
    values: impl Params,
) -> rusqlite::Result<(Vec<Transaction>, u32)> {
    let of = ("athm_transaction", damaged);
    let found = readable(connection, of, sql, values, |row| row.transaction())?;
    let (mut payments, mut skipped) = (Vec::with_capacity(found.rows.len()), found.damaged.len());
    for transaction in found.rows {
        let id = *transaction.id.as_uuid();
        match readable_one(of, &id, with_details(connection, transaction))? {
            Some(payment) => payments.push(payment),
            None => skipped += 1,
        }
    }
    Ok((payments, u32::try_from(skipped).unwrap_or(u32::MAX)))
}

/// The payment with its items and its customer, which are in tables of their own.
pub(super) fn with_details(connection: &Connection, mut transaction: Transaction) -> rusqlite::Result<Transaction> {
    let id = transaction.id;
    let sql = concat!("SELECT ", item_columns!(), " FROM athm_item i WHERE transaction_id = ?1 ORDER BY position");
    transaction.items = all(connection, sql, [id.as_uuid()], |row| row.item())?;
    let sql = concat!("SELECT ", customer_columns!(), " FROM athm_customer c WHERE transaction_id = ?1");
    transaction.customer = one(connection, sql, [id.as_uuid()], |row| row.customer())?;
    Ok(transaction)
}

/// The events of a payment, oldest first.
pub(super) fn list_events(
    connection: &Connection,
    id: TransactionId,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<Event>> {
    let sql = select_event!("WHERE e.transaction_id = ?1 ORDER BY e.created_at, e.id");
    Ok(readable(connection, ("athm_event", damaged), sql, [id.as_uuid()], |row| row.event())?.rows)
}
