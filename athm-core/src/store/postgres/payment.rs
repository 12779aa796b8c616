//! The rows of payments: those of a batch are written by one statement.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::draft::Draft;
use super::fault::Result;
use super::polls;
use super::refunds::part_with;
use super::session::{Session, Statements, Values, column, storable, text, values};
use crate::models::{PaymentKey, ReferenceNumber, Transaction, TransactionId, Transition};
use crate::outbox::LEASE;
use crate::store::poll::PollPlan;
use crate::store::transition_key::MERGED_SUFFIX;
use crate::util::clock::later;

/// Payments, written in one way or the other, with all that belongs to them: their items, their customers, their events,
/// the deliveries of these, their errands; and what waited for an ended one waits no longer.
macro_rules! write_payments {
    ($written:literal) => {
        concat!(
            "WITH seen AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], ",
            "$7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], ",
            "$14::text[], $15::timestamptz[], $16::timestamptz[], $17::boolean[], $18::text[], $19::boolean[], ",
            "$20::timestamptz[], $21::timestamptz[], $22::text[]) ",
            "AS seen (id, kind, status, ecommerce_id, reference_number, daily_transaction_id, total, subtotal, tax, fee, ",
            "net_amount, refunded_amount, metadata_1, metadata_2, date, deadline, verified, auth_token, is_final, ",
            "created_at, updated_at, problem)), ",
            "written AS (", $written, "), ",
            "items AS (INSERT INTO athm_item ",
            "(transaction_id, position, name, description, quantity, price, tax, metadata, sku) ",
            "SELECT item.* FROM unnest($23::uuid[], $24::integer[], $25::text[], $26::text[], $27::text[], ",
            "$28::bigint[], $29::bigint[], $30::text[], $31::text[]) AS item (of) JOIN written ON written.id = item.of), ",
            "customers AS (INSERT INTO athm_customer (transaction_id, name, phone, email, message) ",
            "SELECT customer.* FROM unnest($32::uuid[], $33::text[], $34::text[], $35::text[], $36::text[]) ",
            "AS customer (of) JOIN written ON written.id = customer.of), ",
            "events AS (INSERT INTO athm_event ",
            "(transaction_id, id, transition, refund_amount, sender, rejection, created_at) ",
            "SELECT event.* FROM unnest($37::uuid[], $38::uuid[], $39::text[], $40::bigint[], $41::text[], $42::text[], ",
            "$43::timestamptz[]) AS event (of) JOIN written ON written.id = event.of), ",
            "deliveries AS (INSERT INTO athm_delivery ",
            "(event_id, id, signal, receiver, state, attempts, is_replay, due_at, created_at) ",
            "SELECT event_id, delivery.id, signal, receiver, state, attempts, false, due_at, created_at ",
            "FROM unnest($44::uuid[], $45::uuid[], $46::uuid[], $47::text[], $48::text[], $49::text[], $50::integer[], ",
            "$51::timestamptz[], $52::timestamptz[]) ",
            "AS delivery (of, event_id, id, signal, receiver, state, attempts, due_at, created_at) ",
            "JOIN written ON written.id = delivery.of), ",
            "settled AS (DELETE FROM athm_inbox USING unnest($53::uuid[], $54::text[], $55::bigint[]) ",
            "AS ended (of, payment, refunded) JOIN written ON written.id = ended.of ",
            "WHERE athm_inbox.payment = ended.payment AND athm_inbox.payment = ANY ($54) AND state = 'pending' ",
            "AND coalesce(athm_inbox.refunded, 0) <= ended.refunded), ",
            "polls AS (INSERT INTO athm_poll (transaction_id, attempts, due_at) ",
            "SELECT poll.of, 0, poll.due_at FROM unnest($56::uuid[], $57::timestamptz[]) AS poll (of, due_at) ",
            "JOIN written ON written.id = poll.of ",
            "ON CONFLICT (transaction_id) DO UPDATE SET attempts = 0, due_at = excluded.due_at) ",
            "SELECT id FROM written"
        )
    };
}

/// Writes those of which no row carries any name yet. Tells which these were.
pub(super) async fn insert(session: &Session, drafts: &[Draft], now: Timestamp) -> Result<HashSet<Uuid>> {
    let sql = write_payments!(
        "INSERT INTO athm_transaction (id, kind, status, ecommerce_id, reference_number, daily_transaction_id, total, \
         subtotal, tax, fee, net_amount, refunded_amount, metadata_1, metadata_2, date, deadline, verified, auth_token, \
         created_at, updated_at, problem) \
         SELECT id, kind, status, ecommerce_id, reference_number, daily_transaction_id, total, subtotal, tax, fee, \
         net_amount, refunded_amount, metadata_1, metadata_2, date, deadline, verified, auth_token, created_at, \
         updated_at, problem FROM seen ON CONFLICT DO NOTHING RETURNING id"
    );
    let written = session.all(sql, rows(drafts, now), |columns| columns.get()).await?;
    Ok(written.into_iter().collect())
}

/// Writes those that are there already, in the place of what is there.
pub(super) fn update<'a>(statements: &mut Statements<'a>, drafts: &'a [Draft], now: Timestamp) {
    let sql = write_payments!(
        "UPDATE athm_transaction AS known SET kind = seen.kind, status = seen.status, \
         ecommerce_id = seen.ecommerce_id, reference_number = seen.reference_number, \
         daily_transaction_id = seen.daily_transaction_id, total = seen.total, subtotal = seen.subtotal, \
         tax = seen.tax, fee = seen.fee, net_amount = seen.net_amount, refunded_amount = seen.refunded_amount, \
         metadata_1 = seen.metadata_1, metadata_2 = seen.metadata_2, date = seen.date, deadline = seen.deadline, \
         verified = seen.verified, created_at = seen.created_at, updated_at = seen.updated_at, \
         problem = seen.problem, \
         auth_token = CASE WHEN seen.is_final THEN NULL ELSE coalesce(seen.auth_token, known.auth_token) END \
         FROM seen WHERE known.id = seen.id RETURNING known.id"
    );
    if !drafts.is_empty() {
        without_belongings(statements, drafts.iter().map(|draft| draft.transaction.id));
        statements.push((sql, rows(drafts, now)));
        let ended = drafts.iter().filter(|draft| draft.poll == PollPlan::AttemptOutcome);
        polls::end(statements, ended.map(|draft| *draft.transaction.id.as_uuid()).collect());
    }
}

/// What belonged to one row belongs to the other, and the one is gone.
pub(super) fn merge(statements: &mut Statements<'_>, from: TransactionId, to: TransactionId) {
    part_with(statements, from, to);
    let sql = "UPDATE athm_event SET transaction_id = $2, transition = CASE \
               WHEN transition IN (SELECT transition FROM athm_event WHERE transaction_id = $2) \
               THEN transition || $3 || id ELSE transition END WHERE transaction_id = $1";
    statements.push((sql, values![*from.as_uuid(), *to.as_uuid(), MERGED_SUFFIX]));
    // Its items and its customer are in the payment that is written next.
    without_belongings(statements, [from].into_iter());
    polls::end(statements, vec![*from.as_uuid()]);
    statements.push(("DELETE FROM athm_transaction WHERE id = $1", values![*from.as_uuid()]));
}

/// An ended payment needs no secret, and nobody waits for the provider's word on it.
pub(super) fn settle<'a>(statements: &mut Statements<'a>, drafts: &'a [Draft]) {
    let ended: Vec<_> = drafts.iter().filter(|draft| draft.transaction.status.is_final()).collect();
    if ended.is_empty() {
        return;
    }
    let sql = "UPDATE athm_transaction SET auth_token = NULL WHERE id = ANY ($1) AND auth_token IS NOT NULL";
    statements.push((sql, values![column(&ended, |draft| *draft.transaction.id.as_uuid())]));
    let sql = "DELETE FROM athm_inbox USING unnest($1::uuid[], $2::text[], $3::bigint[]) AS ended (of, payment, refunded) \
               WHERE athm_inbox.payment = ended.payment AND athm_inbox.payment = ANY ($2) AND state = 'pending' \
               AND coalesce(athm_inbox.refunded, 0) <= ended.refunded";
    let mut values = Values::new();
    push_names(&mut values, ended.into_iter());
    statements.push((sql, values));
}

fn without_belongings(statements: &mut Statements<'_>, of: impl Iterator<Item = TransactionId>) {
    let of: Vec<_> = of.map(|id| *id.as_uuid()).collect();
    statements.push(("DELETE FROM athm_item WHERE transaction_id = ANY ($1)", values![of.clone()]));
    statements.push(("DELETE FROM athm_customer WHERE transaction_id = ANY ($1)", values![of]));
}

/// The values of `write_payments!`.
fn rows(drafts: &[Draft], now: Timestamp) -> Values<'_> {
    let mut values = Values::new();
    push_payments(&mut values, drafts);
    push_items(&mut values, drafts);
    push_customers(&mut values, drafts);
    push_events(&mut values, drafts);
    push_deliveries(&mut values, drafts, now);
    push_names(&mut values, drafts.iter().filter(|draft| draft.transaction.status.is_final()));
    push_polls(&mut values, drafts, now);
    values
}

fn push_payments<'a>(values: &mut Values<'a>, drafts: &'a [Draft]) {
    let each: Vec<&Transaction> = drafts.iter().map(|draft| &draft.transaction).collect();
    values.extend(values![
        column(&each, |t| *t.id.as_uuid()),
        column(&each, |t| text(t.kind.to_string())),
        column(&each, |t| text(t.status.to_string())),
        column(&each, |t| t.ecommerce_id.map(|id| *id.as_uuid())),
        column(&each, |t| t.reference_number.as_ref().map(ReferenceNumber::as_str)),
        column(&each, |t| maybe_text(&t.daily_transaction_id)),
        column(&each, |t| t.total.cents()),
        column(&each, |t| t.subtotal.cents()),
        column(&each, |t| t.tax.cents()),
        column(&each, |t| t.fee.cents()),
        column(&each, |t| t.net_amount.cents()),
        column(&each, |t| t.refunded_amount.cents()),
        column(&each, |t| text(&t.metadata_1)),
        column(&each, |t| text(&t.metadata_2)),
        column(&each, |t| t.date.map(storable)),
        column(&each, |t| t.deadline.map(storable)),
        column(&each, |t| t.verified),
        column(drafts, |draft| draft.auth_token().map(text)),
        column(&each, |t| t.status.is_final()),
        column(&each, |t| storable(t.created_at)),
        column(&each, |t| storable(t.updated_at)),
        column(&each, |t| maybe_text(&t.problem)),
    ]);
}

fn push_items<'a>(values: &mut Values<'a>, drafts: &'a [Draft]) {
    let each = drafts.iter().flat_map(|Draft { transaction, .. }| {
        (0_i32..).zip(&transaction.items).map(|(position, item)| (transaction.id, position, item))
    });
    let each: Vec<_> = each.collect();
    values.extend(values![
        column(&each, |(of, ..)| *of.as_uuid()),
        column(&each, |(_, position, _)| *position),
        column(&each, |(.., item)| text(&item.name)),
        column(&each, |(.., item)| text(&item.description)),
        column(&each, |(.., item)| item.quantity.to_string()),
        column(&each, |(.., item)| item.price.cents()),
        column(&each, |(.., item)| item.tax.cents()),
        column(&each, |(.., item)| text(&item.metadata)),
        column(&each, |(.., item)| text(&item.sku)),
    ]);
}

fn push_customers<'a>(values: &mut Values<'a>, drafts: &'a [Draft]) {
    let each =
        drafts.iter().filter_map(|Draft { transaction, .. }| Some((transaction.id, transaction.customer.as_ref()?)));
    let each: Vec<_> = each.collect();
    values.extend(values![
        column(&each, |(of, _)| *of.as_uuid()),
        column(&each, |(_, customer)| maybe_text(&customer.name)),
        column(&each, |(_, customer)| maybe_text(&customer.phone)),
        column(&each, |(_, customer)| maybe_text(&customer.email)),
        column(&each, |(_, customer)| maybe_text(&customer.message)),
    ]);
}

fn push_events<'a>(values: &mut Values<'a>, drafts: &'a [Draft]) {
    let each: Vec<_> = drafts.iter().flat_map(|draft| &draft.events).map(|(event, _)| event).collect();
    values.extend(values![
        column(&each, |event| *event.transaction_id.as_uuid()),
        column(&each, |event| *event.id.as_uuid()),
        column(&each, |event| text(event.transition.key())),
        column(&each, |event| match &event.transition {
            Transition::Refunded(refund) => Some(refund.amount.cents()),
            _ => None,
        }),
        column(&each, |event| text(event.sender.as_str())),
        column(&each, |event| maybe_text(&event.rejection)),
        column(&each, |event| storable(event.created_at)),
    ]);
}

/// Those that have got a slot are claimed as they are made; the others are due.
fn push_deliveries<'a>(values: &mut Values<'a>, drafts: &'a [Draft], now: Timestamp) {
    let each = drafts.iter().flat_map(|draft| &draft.events);
    let each: Vec<_> = each
        .flat_map(|(event, deliveries)| deliveries.iter().map(move |(planned, slot)| (event, planned, slot)))
        .collect();
    values.extend(values![
        column(&each, |(event, ..)| *event.transaction_id.as_uuid()),
        column(&each, |(event, ..)| *event.id.as_uuid()),
        column(&each, |(_, planned, _)| *planned.id.as_uuid()),
        column(&each, |(_, planned, _)| planned.signal.as_str()),
        column(&each, |(_, planned, _)| text(&planned.receiver)),
        column(&each, |(.., slot)| if slot.is_some() { "running" } else { "due" }),
        column(&each, |(.., slot)| i32::from(slot.is_some())),
        column(&each, |(.., slot)| if slot.is_some() { later(now, LEASE) } else { now }),
        column(&each, |(event, ..)| storable(event.created_at)),
    ]);
}

/// All names of these payments, with how much of each is refunded: a refund that isn't shown yet is waited for.
fn push_names<'a>(values: &mut Values<'a>, drafts: impl Iterator<Item = &'a Draft>) {
    let each = drafts.flat_map(|Draft { transaction, .. }| {
        let ticket = transaction.ecommerce_id.map(PaymentKey::Ecommerce);
        let reference = transaction.reference_number.clone().map(PaymentKey::Reference);
        [ticket, reference].into_iter().flatten().map(move |name| (transaction, name))
    });
    let each: Vec<_> = each.collect();
    values.extend(values![
        column(&each, |(transaction, _)| *transaction.id.as_uuid()),
        column(&each, |(_, name)| text(name.to_string())),
        column(&each, |(transaction, _)| transaction.refunded_amount.cents()),
    ]);
}

fn push_polls<'a>(values: &mut Values<'a>, drafts: &'a [Draft], now: Timestamp) {
    let each = drafts.iter().filter_map(|draft| match draft.poll {
        PollPlan::In(pause) => Some((draft.transaction.id, later(now, pause))),
        PollPlan::Keep | PollPlan::AttemptOutcome => None,
    });
    let each: Vec<_> = each.collect();
    values.extend(values![column(&each, |(of, _)| *of.as_uuid()), column(&each, |(_, due_at)| *due_at)]);
}

fn maybe_text(maybe: &Option<String>) -> Option<Cow<'_, str>> {
    maybe.as_deref().map(text)
}
