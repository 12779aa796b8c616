//! Recording a payment.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use secrecy::ExposeSecret;
use tracing::Span;

use super::find::by_names;
use super::payment::{insert, merge, update};
use super::statement::execute;
use super::{polls, refunds};
use crate::models::{Event, PaymentKey, ReferenceNumber, Transaction, Transition};
use crate::outbox::{ClaimedDelivery, EventDeliveries, LEASE, NewDelivery, Slot};
use crate::store::decide::{Stored, Write, needs_refunds};
use crate::store::{Record, Recorded, StoreContext, StoreError};
use crate::util::clock::later;

pub(super) fn record_one(
    connection: &Connection,
    context: &StoreContext,
    record: &Record,
    span: &Span,
) -> Result<(Recorded, Vec<EventDeliveries>), StoreError> {
    let observed = &record.observed;
    let ecommerce_id = observed.ecommerce_id.map(|id| *id.as_uuid());
    let reference = observed.reference_number.as_ref().map(ReferenceNumber::as_str);
    let rows = by_names(connection, ecommerce_id, reference)?;
    let needs_refunds = needs_refunds(rows.iter(), record);
    let rows = rows.into_iter().map(|transaction| stored(connection, transaction, needs_refunds));
    let decision = context.policy.decide(rows.collect::<rusqlite::Result<_>>()?, record);
    let transaction = decision.transaction;
    if let Some(other) = decision.merged {
        merge(connection, other, transaction.id)?;
    }
    match decision.write {
        Write::Insert => insert(connection, &transaction)?,
        Write::Update => update(connection, &transaction)?,
        Write::Nothing => {}
    }
    for refund in &decision.refunds {
        refunds::write_refund(connection, refund)?;
    }
    if transaction.status.is_final() {
        settle(connection, &transaction)?;
    } else if let Some(token) = &record.auth_token {
        let sql = "UPDATE athm_transaction SET auth_token = ?2 WHERE id = ?1";
        execute(connection, sql, params![transaction.id.as_uuid(), token.expose_secret()])?;
    }
    polls::plan(connection, transaction.id, decision.poll, context.clock.steady())?;
    let planned = decision.events.iter().map(|(_, deliveries)| deliveries.len()).sum();
    let mut slots = context.outbox.slots(planned).into_iter();
    let shared = Arc::new(transaction.clone());
    let mut recorded = Recorded { transaction, events: Vec::new() };
    let mut works = Vec::new();
    for (event, deliveries) in decision.events {
        insert_event(connection, &event)?;
        recorded.events.push(event.clone());
        let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
        let deliveries = insert_deliveries(connection, &event, deliveries, &mut slots, context.clock.steady())?;
        works.push(EventDeliveries { transaction, event, deliveries, span });
    }
    Ok((recorded, works))
}

fn stored(connection: &Connection, transaction: Transaction, with_refunds: bool) -> rusqlite::Result<Stored> {
    let sql = "SELECT transition FROM athm_event WHERE transaction_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let fired = statement.query_map([transaction.id.as_uuid()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let refunds = if with_refunds { refunds::refunds_of(connection, transaction.id)? } else { Vec::new() };
    Ok(Stored { transaction, fired, refunds: refunds.into_iter().collect() })
}

/// An ended payment needs no secret, and nobody waits for the provider's word on it.
fn settle(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_transaction SET auth_token = NULL WHERE id = ?1 AND auth_token IS NOT NULL";
    execute(connection, sql, [transaction.id.as_uuid()])?;
    let ticket = transaction.ecommerce_id.map(PaymentKey::Ecommerce);
    let reference = transaction.reference_number.clone().map(PaymentKey::Reference);
    // A refund that it doesn't show yet is waited for all the same.
    let sql = "DELETE FROM athm_inbox WHERE payment = ?1 AND state = 'pending' AND coalesce(refunded, 0) <= ?2";
    let refunded = transaction.refunded_amount.cents();
    let mut names = [ticket, reference].into_iter().flatten();
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

/// Those that get a slot are claimed as they are made; the others are due.
fn insert_deliveries(
    connection: &Connection,
    event: &Event,
    deliveries: Vec<NewDelivery>,
    slots: &mut impl Iterator<Item = Slot>,
    now: Timestamp,
) -> rusqlite::Result<Vec<ClaimedDelivery>> {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8)";
    let mut claimed = Vec::new();
    for planned in deliveries {
        let slot = slots.next();
        let (state, attempt, due_at) = if slot.is_some() { ("running", 1, later(now, LEASE)) } else { ("due", 0, now) };
        let NewDelivery { id, signal, receiver } = &planned;
        let (due_at, created_at) = (due_at.as_microsecond(), event.created_at.as_microsecond());
        let (id, event_id) = (id.as_uuid(), event.id.as_uuid());
        execute(connection, sql, params![id, event_id, signal.as_str(), receiver, state, attempt, due_at, created_at])?;
        claimed.extend(slot.map(|slot| ClaimedDelivery { planned, attempt, is_replay: false, slot }));
    }
    Ok(claimed)
}
