//! A payment's own rows.

use super::session::{Statements, Values, storable, text, values};
use crate::store::PaymentKey;
use crate::store::decide::Write;
use crate::store::step::TWICE;
use crate::{ReferenceNumber, Transaction, TransactionId};

pub(super) fn insert<'a>(statements: &mut Statements<'a>, transaction: &'a Transaction) {
    let sql = "INSERT INTO athm_transaction (id, created_at, kind, status, ecommerce_id, reference_number, \
               daily_transaction_id, total, subtotal, tax, fee, net_amount, refunded_amount, metadata_1, metadata_2, \
               date, deadline, verified, updated_at) \
               VALUES ($1, $19, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    statements.push((sql, row(transaction)));
    write_belongings(statements, transaction);
}

pub(super) fn update<'a>(statements: &mut Statements<'a>, transaction: &'a Transaction) {
    let sql = "UPDATE athm_transaction SET kind = $2, status = $3, ecommerce_id = $4, reference_number = $5, \
               daily_transaction_id = $6, total = $7, subtotal = $8, tax = $9, fee = $10, net_amount = $11, \
               refunded_amount = $12, metadata_1 = $13, metadata_2 = $14, date = $15, deadline = $16, verified = $17, \
               updated_at = $18, created_at = $19 WHERE id = $1";
    statements.push((sql, row(transaction)));
    without_belongings(statements, transaction.id);
    write_belongings(statements, transaction);
}

fn row(transaction: &Transaction) -> Values<'_> {
    let t = transaction;
    values![
        *t.id.as_uuid(),
        text(&t.kind.to_string()),
        text(&t.status.to_string()),
        t.ecommerce_id.map(|id| *id.as_uuid()),
        t.reference_number.as_ref().map(ReferenceNumber::as_str),
        t.daily_transaction_id.as_deref().map(text),
        t.total.cents(),
        t.subtotal.cents(),
        t.tax.cents(),
        t.fee.cents(),
        t.net_amount.cents(),
        t.refunded_amount.cents(),
        text(&t.metadata_1),
        text(&t.metadata_2),
        t.date.map(storable),
        t.deadline.map(storable),
        t.verified,
        storable(t.updated_at),
        storable(t.created_at),
    ]
}

fn write_belongings<'a>(statements: &mut Statements<'a>, transaction: &'a Transaction) {
    let id = *transaction.id.as_uuid();
    for (position, item) in (0_i32..).zip(&transaction.items) {
        let sql = "INSERT INTO athm_item (transaction_id, position, name, description, quantity, price, tax, metadata, sku) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = values![
            id,
            position,
            text(&item.name),
            text(&item.description),
            i64::from(item.quantity),
            item.price.cents(),
            item.tax.cents(),
            text(&item.metadata),
            text(&item.sku),
        ];
        statements.push((sql, values));
    }
    if let Some(customer) = &transaction.customer {
        let sql = "INSERT INTO athm_customer (transaction_id, name, phone, email, message) VALUES ($1, $2, $3, $4, $5)";
        let [name, phone, email, message] = [&customer.name, &customer.phone, &customer.email, &customer.message]
            .map(|value| value.as_deref().map(text));
        statements.push((sql, values![id, name, phone, email, message]));
    }
}

fn without_belongings(statements: &mut Statements<'_>, of: TransactionId) {
    statements.push(("DELETE FROM athm_item WHERE transaction_id = $1", values![*of.as_uuid()]));
    statements.push(("DELETE FROM athm_customer WHERE transaction_id = $1", values![*of.as_uuid()]));
}

/// What belonged to one row belongs to the other, and the one is gone.
pub(super) fn merge(statements: &mut Statements<'_>, from: TransactionId, to: TransactionId) {
    let sql = "UPDATE athm_event SET transaction_id = $2, transition = CASE \
               WHEN transition IN (SELECT transition FROM athm_event WHERE transaction_id = $2) \
               THEN transition || $3 || id ELSE transition END WHERE transaction_id = $1";
    statements.push((sql, values![*from.as_uuid(), *to.as_uuid(), TWICE]));
    // Its items and its customer are in the payment that is written next.
    without_belongings(statements, from);
    statements.push(("DELETE FROM athm_transaction WHERE id = $1", values![*from.as_uuid()]));
}

/// An ended payment needs no secret, and nobody waits for the provider's word on it.
pub(super) fn settle(statements: &mut Statements<'_>, transaction: &Transaction, write: Write) {
    if write != Write::Insert {
        let sql = "UPDATE athm_transaction SET auth_token = NULL WHERE id = $1 AND auth_token IS NOT NULL";
        statements.push((sql, values![*transaction.id.as_uuid()]));
    }
    let ticket = transaction.ecommerce_id.map(PaymentKey::Ecommerce);
    let reference = transaction.reference_number.clone().map(PaymentKey::Reference);
    // A refund that it doesn't show yet is waited for all the same.
    let sql = "DELETE FROM athm_inbox WHERE payment = $1 AND state = 'pending' AND coalesce(refunded, 0) <= $2";
    for key in [ticket, reference].into_iter().flatten() {
        statements.push((sql, values![text(&key.to_string()), transaction.refunded_amount.cents()]));
    }
}
