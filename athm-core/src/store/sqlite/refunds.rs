//! The rows of refunds.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::find::readable_payments;
use super::statement::{all, execute, readable};
use crate::models::{Amount, Customer, ReferenceNumber, RefundId, RefundRecord, Transaction, TransactionId};
use crate::store::limits::MAX_LISTED;
use crate::store::payment_list::PAID_BY;
use crate::store::row::{Columns, select_refund};
use crate::store::{DamagedRows, MAX_MATCHING_PAYMENTS, RefundQuery};

pub(super) fn list_refunds(
    connection: &Connection,
    query: &RefundQuery,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<RefundRecord>> {
    let of = ("athm_refund", damaged);
    match query {
        RefundQuery::One(id) => all(connection, select_refund!("WHERE id = ?1"), [id.as_uuid()], |row| row.refund()),
        RefundQuery::Of(payment) => refunds_of(connection, *payment),
        RefundQuery::Pending { until } => {
            let sql = select_refund!("WHERE state = 'pending' AND created_at <= ?1 ORDER BY created_at, id LIMIT ?2");
            let values = params![until.as_microsecond(), MAX_LISTED];
            Ok(readable(connection, of, sql, values, |row| row.refund())?.rows)
        }
        RefundQuery::Reference(reference) => {
            let sql = select_refund!("WHERE reference_number = ?1 ORDER BY created_at, id LIMIT ?2");
            let values = params![reference.as_str(), MAX_LISTED];
            Ok(readable(connection, of, sql, values, |row| row.refund())?.rows)
        }
    }
}

/// The refunds of a payment: those of the ledger in its order, then those that aren't in it.
pub(super) fn refunds_of(connection: &Connection, payment: TransactionId) -> rusqlite::Result<Vec<RefundRecord>> {
    let sql =
        select_refund!("WHERE transaction_id = ?1 ORDER BY total_refunded IS NULL, total_refunded, created_at, id");
    all(connection, sql, [payment.as_uuid()], |row| row.refund())
}

/// The newest completed payments of a customer that are large enough.
pub(super) fn list_paid_by(
    connection: &Connection,
    customer: &Customer,
    amount: Amount,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<Transaction>> {
    let values = params![customer.phone, customer.email, amount.cents(), MAX_MATCHING_PAYMENTS];
    Ok(readable_payments(connection, damaged, PAID_BY, values)?.0)
}

/// Inserts or updates a refund. A refund that isn't pending has a known outcome, so that its operation is deleted.
pub(super) fn write_refund(connection: &Connection, refund: &RefundRecord) -> rusqlite::Result<()> {
    let sql = "INSERT INTO athm_refund (id, transaction_id, amount, state, total_refunded, is_ours, reference_number, \
               daily_transaction_id, date, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
               ON CONFLICT (id) DO UPDATE SET transaction_id = excluded.transaction_id, amount = excluded.amount, \
               state = excluded.state, total_refunded = excluded.total_refunded, \
               reference_number = excluded.reference_number, daily_transaction_id = excluded.daily_transaction_id, \
               date = excluded.date";
    let values = params![
        refund.id.as_uuid(),
        refund.transaction_id.as_uuid(),
        refund.amount.cents(),
        refund.state.to_string(),
        refund.total_refunded.map(Amount::cents),
        refund.is_ours,
        refund.reference_number.as_ref().map(ReferenceNumber::as_str),
        refund.daily_transaction_id,
        refund.date.map(Timestamp::as_microsecond),
        refund.created_at.as_microsecond(),
    ];
    execute(connection, sql, values)?;
    let sql = "DELETE FROM athm_operation WHERE id = ?1 AND ?2 <> 'pending'";
    execute(connection, sql, params![refund.id.as_uuid(), refund.state.to_string()])
}

/// The provider didn't make the refund: its amount may be refunded again.
pub(super) fn mark_not_done(connection: &Connection, id: RefundId) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_refund SET state = 'not_done' WHERE id = ?1 AND state = 'pending'";
    execute(connection, sql, [id.as_uuid()])?;
    execute(connection, "DELETE FROM athm_operation WHERE id = ?1", [id.as_uuid()])
}

/// Marks a pending refund as not done, unless its call is in flight. Returns whether it did.
pub(super) fn give_up_refund(connection: &Connection, id: RefundId, now: Timestamp) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM athm_refund WHERE id = ?1 AND state = 'pending') AND NOT EXISTS \
               (SELECT 1 FROM athm_operation WHERE id = ?1 AND is_under_way AND ends_at > ?2)";
    let values = params![id.as_uuid(), now.as_microsecond()];
    let is_open: bool = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    if is_open {
        mark_not_done(connection, id)?;
    }
    Ok(is_open)
}

/// Removes the refunds of a row that is about to be deleted: the decision holds them, merged with those of the other row,
/// and they are written next. Operations move, unless the other row has the same one.
pub(super) fn merge(connection: &Connection, from: TransactionId, to: TransactionId) -> rusqlite::Result<()> {
    execute(connection, "DELETE FROM athm_refund WHERE transaction_id = ?1", [from.as_uuid()])?;
    let sql = "DELETE FROM athm_operation WHERE transaction_id = ?1 \
               AND operation IN (SELECT operation FROM athm_operation WHERE transaction_id = ?2)";
    execute(connection, sql, params![from.as_uuid(), to.as_uuid()])?;
    let sql = "UPDATE athm_operation SET transaction_id = ?2 WHERE transaction_id = ?1";
    execute(connection, sql, params![from.as_uuid(), to.as_uuid()])
}
