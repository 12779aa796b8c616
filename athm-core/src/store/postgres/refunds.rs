//! The rows of refunds.

use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::find::with_readable_details;
use super::request::{BatchContext, Request, SingleRequest};
use super::session::Session;
use super::values::{Statements, storable, text, values};
use crate::models::{Amount, Customer, ReferenceNumber, RefundId, RefundRecord, Transaction, TransactionId};
use crate::store::limits::MAX_LISTED;
use crate::store::payment_list::PAID_BY;
use crate::store::row::{Columns, select_refund};
use crate::store::{MAX_MATCHING_PAYMENTS, RefundQuery};

pub(super) async fn list_refunds(session: &Session, query: RefundQuery) -> Result<Vec<RefundRecord>> {
    let (sql, values) = match query {
        RefundQuery::One(id) => {
            return session.all(select_refund!("WHERE id = $1"), values![*id.as_uuid()], |row| row.refund()).await;
        }
        RefundQuery::Of(payment) => return refunds_of(session, vec![*payment.as_uuid()]).await,
        RefundQuery::Pending { until } => {
            let sql = select_refund!("WHERE state = 'pending' AND created_at <= $1 ORDER BY created_at, id LIMIT $2");
            (sql, values![storable(until), i64::from(MAX_LISTED)])
        }
        RefundQuery::Reference(reference) => {
            let sql = select_refund!("WHERE reference_number = $1 ORDER BY created_at, id LIMIT $2");
            (sql, values![reference.to_string(), i64::from(MAX_LISTED)])
        }
    };
    Ok(session.readable("athm_refund", sql, values, |row| row.refund()).await?.0)
}

/// The refunds of payments: those of the ledger in its order, then those that aren't in it.
pub(super) async fn refunds_of(session: &Session, payments: Vec<Uuid>) -> Result<Vec<RefundRecord>> {
    let sql = select_refund!("WHERE transaction_id = ANY ($1) ORDER BY total_refunded NULLS LAST, created_at, id");
    session.all(sql, values![payments], |row| row.refund()).await
}

/// The newest completed payments of a customer that are large enough.
pub(super) async fn list_paid_by(session: &Session, customer: &Customer, amount: Amount) -> Result<Vec<Transaction>> {
    let [phone, email] = [&customer.phone, &customer.email].map(|known| known.as_deref().map(text));
    let values = values![phone, email, amount.cents(), i64::from(MAX_MATCHING_PAYMENTS)];
    let (found, _) = session.readable("athm_transaction", PAID_BY, values, |row| row.transaction()).await?;
    with_readable_details(session, found).await
}

/// Inserts or updates a refund. A refund that isn't pending has a known outcome, so that its operation is deleted.
pub(super) fn write_refund<'a>(statements: &mut Statements<'a>, refund: &'a RefundRecord) {
    let sql = "INSERT INTO athm_refund (id, transaction_id, amount, state, total_refunded, is_ours, reference_number, \
               daily_transaction_id, date, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               ON CONFLICT (id) DO UPDATE SET transaction_id = excluded.transaction_id, amount = excluded.amount, \
               state = excluded.state, total_refunded = excluded.total_refunded, \
               reference_number = excluded.reference_number, daily_transaction_id = excluded.daily_transaction_id, \
               date = excluded.date";
    let id = *refund.id.as_uuid();
    let values = values![
        id,
        *refund.transaction_id.as_uuid(),
        refund.amount.cents(),
        refund.state.to_string(),
        refund.total_refunded.map(Amount::cents),
        refund.is_ours,
        refund.reference_number.as_ref().map(ReferenceNumber::as_str),
        refund.daily_transaction_id.as_deref().map(text),
        refund.date.map(storable),
        storable(refund.created_at),
    ];
    statements.push((sql, values));
    let sql = "DELETE FROM athm_operation WHERE id = $1 AND $2::text <> 'pending'";
    statements.push((sql, values![id, refund.state.to_string()]));
}

/// The provider didn't make the refund: its amount may be refunded again.
pub(super) fn mark_not_done(statements: &mut Statements<'_>, id: Uuid) {
    statements.push(("UPDATE athm_refund SET state = 'not_done' WHERE id = $1 AND state = 'pending'", values![id]));
    statements.push(("DELETE FROM athm_operation WHERE id = $1", values![id]));
}

/// Marks a pending refund as not done, unless its call is in flight. The answer is whether it did.
pub(super) struct GiveUpRefund {
    pub(super) id: RefundId,
    pub(super) now: Timestamp,
}

impl Request for GiveUpRefund {
    type Written = bool;
}

impl SingleRequest for GiveUpRefund {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<bool> {
        let id = *self.id.as_uuid();
        // The payment's row is locked first, as by every write that changes its refunds or operations.
        let sql = "SELECT id FROM athm_transaction WHERE id IN (SELECT transaction_id FROM athm_refund WHERE id = $1) \
                   FOR UPDATE";
        session.execute(sql, values![id]).await?;
        let sql = "SELECT EXISTS (SELECT 1 FROM athm_refund WHERE id = $1 AND state = 'pending') AND NOT EXISTS \
                   (SELECT 1 FROM athm_operation WHERE id = $1 AND is_under_way AND ends_at > $2)";
        let is_open = session.one(sql, values![id, offset.to_server(self.now)], |row| row.boolean()).await?;
        if is_open == Some(true) {
            let mut statements = Statements::new();
            mark_not_done(&mut statements, id);
            session.execute_all(statements).await?;
        }
        Ok(is_open == Some(true))
    }
}

/// Removes the refunds of a row that is about to be deleted: the decision holds them, merged with those of the other row,
/// and they are written next. Operations move, unless the other row has the same one.
pub(super) fn merge(statements: &mut Statements<'_>, from: TransactionId, to: TransactionId) {
    let (from, to) = (*from.as_uuid(), *to.as_uuid());
    statements.push(("DELETE FROM athm_refund WHERE transaction_id = $1", values![from]));
    let sql = "DELETE FROM athm_operation WHERE transaction_id = $1 \
               AND operation IN (SELECT operation FROM athm_operation WHERE transaction_id = $2)";
    statements.push((sql, values![from, to]));
    statements.push(("UPDATE athm_operation SET transaction_id = $2 WHERE transaction_id = $1", values![from, to]));
}
