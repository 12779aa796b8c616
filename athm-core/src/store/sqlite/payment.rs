//! The rows of a payment: inserted, updated, merged.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::refunds;
use super::statement::execute;
use crate::models::{Amount, Customer, ReferenceNumber, Transaction, TransactionId};
use crate::store::transition_key::MERGED_SUFFIX;

pub(super) fn insert(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = "INSERT INTO athm_transaction (id, created_at, kind, status, ecommerce_id, reference_number, \
               daily_transaction_id, total, subtotal, tax, fee, net_amount, refunded_amount, metadata_1, metadata_2, \
               date, deadline, verified, updated_at, problem, expected_total, accepted_total) \
               VALUES (?1, ?19, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?20, \
               ?21, ?22)";
    write_row(connection, sql, transaction)?;
    write_details(connection, transaction)
}

pub(super) fn update(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_transaction SET kind = ?2, status = ?3, ecommerce_id = ?4, reference_number = ?5, \
               daily_transaction_id = ?6, total = ?7, subtotal = ?8, tax = ?9, fee = ?10, net_amount = ?11, \
               refunded_amount = ?12, metadata_1 = ?13, metadata_2 = ?14, date = ?15, deadline = ?16, verified = ?17, \
               updated_at = ?18, created_at = ?19, problem = ?20, \
               expected_total = ?21, accepted_total = ?22 WHERE id = ?1";
    write_row(connection, sql, transaction)?;
    execute(connection, "DELETE FROM athm_item WHERE transaction_id = ?1", [transaction.id.as_uuid()])?;
    execute(connection, "DELETE FROM athm_customer WHERE transaction_id = ?1", [transaction.id.as_uuid()])?;
    write_details(connection, transaction)
}

fn write_row(connection: &Connection, sql: &str, transaction: &Transaction) -> rusqlite::Result<()> {
    let t = transaction;
    let values = params![
        t.id.as_uuid(),
        t.kind.to_string(),
        t.status.to_string(),
        t.ecommerce_id.map(|id| *id.as_uuid()),
        t.reference_number.as_ref().map(ReferenceNumber::as_str),
        t.daily_transaction_id,
        t.total.cents(),
        t.subtotal.cents(),
        t.tax.cents(),
        t.fee.cents(),
        t.net_amount.cents(),
        t.refunded_amount.cents(),
        t.metadata_1,
        t.metadata_2,
        t.date.map(Timestamp::as_microsecond),
        t.deadline.map(Timestamp::as_microsecond),
        t.verified,
        t.updated_at.as_microsecond(),
        t.created_at.as_microsecond(),
        t.problem,
        t.expected_total.map(Amount::cents),
        t.accepted_total.map(Amount::cents),
    ];
    execute(connection, sql, values)
}

fn write_details(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let id = transaction.id.as_uuid();
    for (position, item) in (0_u32..).zip(&transaction.items) {
        let sql = "INSERT INTO athm_item (transaction_id, position, name, description, quantity, price, tax, metadata, sku) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let (quantity, price, tax) = (item.quantity.to_string(), item.price.cents(), item.tax.cents());
        let values = params![id, position, item.name, item.description, quantity, price, tax, item.metadata, item.sku];
        execute(connection, sql, values)?;
    }
    if let Some(Customer { name, phone, email, message }) = &transaction.customer {
        let sql = "INSERT INTO athm_customer (transaction_id, name, phone, email, message) VALUES (?1, ?2, ?3, ?4, ?5)";
        execute(connection, sql, params![id, name, phone, email, message])?;
    }
    Ok(())
}

/// Moves everything from one row to another that turned out to be the same payment, and deletes the first.
///
/// (transaction, transition) is unique. When both rows have fired the same transition, the moved event gets a suffix; its
/// deliveries stay with it.
pub(super) fn merge(connection: &Connection, from: TransactionId, to: TransactionId) -> rusqlite::Result<()> {
    refunds::merge(connection, from, to)?;
    let (from, to) = (from.as_uuid(), to.as_uuid());
    let sql = "UPDATE athm_event SET transaction_id = ?2, transition = CASE \
               WHEN transition IN (SELECT transition FROM athm_event WHERE transaction_id = ?2) \
               THEN transition || ?3 || hex(id) ELSE transition END WHERE transaction_id = ?1";
    execute(connection, sql, params![from, to, MERGED_SUFFIX])?;
    execute(connection, "UPDATE athm_message SET transaction_id = ?2 WHERE transaction_id = ?1", params![from, to])?;
    // The update of the remaining row follows, and inserts the items and the customer of both.
    execute(connection, "DELETE FROM athm_item WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_customer WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_poll WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_transaction WHERE id = ?1", [from])
}
