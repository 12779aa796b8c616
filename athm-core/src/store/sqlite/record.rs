//! Recording a payment as it was observed.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tracing::Span;

use super::find::by_names;
use super::payment::{insert, merge, update};
use super::statement::execute;
use super::{polls, refunds};
use crate::models::{Event, PaymentKey, ReferenceNumber, Transaction, TransactionId, Transition};
use crate::outbox::{ClaimId, Handover};
use crate::store::decide::{Stored, Write, needs_refunds};
use crate::store::payment_write::{PaymentWrite, PlannedDeliveries, inserted_as};
use crate::store::{Observation, Recorded, StoreContext, StoreError};

/// Reads the rows that have one of the payment's names, decides, and writes. One connection writes, one transaction at a
/// time, so that nothing changes in between.
pub(super) fn record_payment(
    connection: &Connection,
    context: &StoreContext,
    observation: &Observation,
    span: &Span,
) -> Result<(Recorded, Handover), StoreError> {
    let observed = &observation.observed;
    let ecommerce_id = observed.ecommerce_id.map(|id| *id.as_uuid());
    let reference = observed.reference_number.as_ref().map(ReferenceNumber::as_str);
    let rows = by_names(connection, ecommerce_id, reference)?;
    let needs_refunds = needs_refunds(rows.iter(), observation);
    let rows = rows.into_iter().map(|transaction| stored(connection, transaction, needs_refunds));
    let decision = context.policy.decide(rows.collect::<rusqlite::Result<_>>()?, observation);
    let (row, merged) = (decision.write, decision.merged);
    let write = PaymentWrite::new(decision, observation, &context.outbox);
    let transaction = &write.transaction;
    if let Some(other) = merged {
        merge(connection, other, transaction.id)?;
    }
    match row {
        Write::Insert => insert(connection, transaction)?,
        Write::Update => update(connection, transaction)?,
        Write::Nothing => {}
    }
    for refund in &write.refunds {
        refunds::write_refund(connection, refund)?;
    }
    if transaction.status.is_final() {
        finish(connection, transaction, row)?;
    } else if let Some(token) = write.auth_token() {
        let sql = "UPDATE athm_transaction SET auth_token = ?2 WHERE id = ?1";
        execute(connection, sql, params![transaction.id.as_uuid(), token])?;
    }
    let now = context.clock.steady();
    polls::plan(connection, transaction.id, write.poll, now)?;
    for (event, deliveries) in &write.events {
        insert_event(connection, event)?;
        insert_deliveries(connection, event, deliveries, write.claim, now)?;
    }
    if write.releases_waiting {
        release_waiting(connection, transaction.id, now)?;
    }
    Ok(write.recorded(span))
}

/// Makes the deliveries due that have waited until it is known who paid.
fn release_waiting(connection: &Connection, of: TransactionId, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_delivery SET due_at = ?2, waits_for_customer = 0 WHERE waits_for_customer AND state = 'due' \
               AND event_id IN (SELECT id FROM athm_event WHERE transaction_id = ?1)";
    execute(connection, sql, params![of.as_uuid(), now.as_microsecond()])
}

/// What the decision needs to know of a row: the transitions that it has fired, and its refunds if they matter.
fn stored(connection: &Connection, transaction: Transaction, with_refunds: bool) -> rusqlite::Result<Stored> {
    let sql = "SELECT transition FROM athm_event WHERE transaction_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let fired = statement.query_map([transaction.id.as_uuid()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let refunds = if with_refunds { refunds::refunds_of(connection, transaction.id)? } else { Vec::new() };
    Ok(Stored { transaction, fired, refunds: refunds.into_iter().collect() })
}

/// A final payment needs no secret, and its pending messages need no lookup, except those that state a larger refund than
/// the provider shows yet.
fn finish(connection: &Connection, transaction: &Transaction, row: Write) -> rusqlite::Result<()> {
    if row != Write::Insert {
        let sql = "UPDATE athm_transaction SET auth_token = NULL WHERE id = ?1 AND auth_token IS NOT NULL";
        execute(connection, sql, [transaction.id.as_uuid()])?;
    }
    let ecommerce_id = transaction.ecommerce_id.map(PaymentKey::Ecommerce);
    let reference = transaction.reference_number.clone().map(PaymentKey::Reference);
    let sql = "DELETE FROM athm_inbox WHERE payment = ?1 AND state = 'pending' AND refunds IS NULL AND coalesce(refunded, 0) <= ?2";
    let refunded = transaction.refunded_amount.cents();
    let mut names = [ecommerce_id, reference].into_iter().flatten();
    names.try_for_each(|key| execute(connection, sql, params![key.to_string(), refunded]))
}

fn insert_event(connection: &Connection, event: &Event) -> rusqlite::Result<()> {
    let Event { id, transaction_id, transition, sender, rejection, created_at } = event;
    let refund_amount = match transition {
        Transition::Refunded(refund) => Some(refund.amount.cents()),
        _ => None,
    };
    let sql = "INSERT INTO athm_event (id, transaction_id, transition, refund_amount, sender, rejection, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        id.as_uuid(),
        transaction_id.as_uuid(),
        transition.key(),
        refund_amount,
        sender.as_str(),
        rejection,
        created_at.as_microsecond(),
    ];
    execute(connection, sql, values)
}

fn insert_deliveries(
    connection: &Connection,
    event: &Event,
    deliveries: &PlannedDeliveries,
    claim: ClaimId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, claim, attempts, is_replay, due_at, \
               created_at, waits_for_customer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, ?7, ?8, ?9)";
    for (delivery, admission) in deliveries {
        let (state, claim, due_at) = inserted_as(delivery, admission.as_ref(), claim, now);
        let values = params![
            delivery.id.as_uuid(),
            event.id.as_uuid(),
            delivery.signal.as_str(),
            delivery.receiver,
            state.as_str(),
            claim.map(|claim| *claim.as_uuid()),
            due_at.as_microsecond(),
            event.created_at.as_microsecond(),
            delivery.waits_for_customer,
        ];
        execute(connection, sql, values)?;
    }
    Ok(())
}
