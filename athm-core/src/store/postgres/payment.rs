//! The rows of payments: all payments of a batch are written by one statement.
//!
//! Values are arrays, one for each column, that `unnest` turns into rows. The statement is a chain of `WITH` queries:
//! `written` inserts or updates the payments and returns their ids, and every other part (items, customers, events,
//! deliveries, polls) joins `written`, so that it inserts rows only for payments that were written. Each array of a part
//! starts with the id of the payment that the row belongs to, which the SQL calls `of`.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::polls;
use super::refunds;
use super::session::Session;
use super::values::{Statements, Values, column, storable, text, values};
use crate::models::{Amount, PaymentKey, ReferenceNumber, Transaction, TransactionId, Transition};
use crate::store::PollLane;
use crate::store::payment_write::{PaymentWrite, inserted_as};
use crate::store::poll::PollPlan;
use crate::store::transition_key::MERGED_SUFFIX;
use crate::util::clock::later;

/// Writes payments with everything that belongs to them, and deletes the pending messages of payments that are final.
/// `$written` inserts or updates the payments.
macro_rules! write_payments {
    ($written:literal) => {
        concat!(
            "WITH seen AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], ",
            "$7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], ",
            "$14::text[], $15::timestamptz[], $16::timestamptz[], $17::boolean[], $18::text[], $19::boolean[], ",
            "$20::timestamptz[], $21::timestamptz[], $22::text[], $58::bigint[], $59::bigint[]) ",
            "AS seen (id, kind, status, ecommerce_id, reference_number, daily_transaction_id, total, subtotal, tax, fee, ",
            "net_amount, refunded_amount, metadata_1, metadata_2, date, deadline, verified, auth_token, is_final, ",
            "created_at, updated_at, problem, expected_total, accepted_total)), ",
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
            "(event_id, id, signal, receiver, state, claim, attempts, is_replay, due_at, created_at, waits_for_customer) ",
            "SELECT event_id, delivery.id, signal, receiver, state, claim, 0, false, due_at, created_at, waits_for_customer ",
            "FROM unnest($44::uuid[], $45::uuid[], $46::uuid[], $47::text[], $48::text[], $49::text[], $50::uuid[], ",
            "$51::timestamptz[], $52::timestamptz[], $61::boolean[]) AS delivery ",
            "(of, event_id, id, signal, receiver, state, claim, due_at, created_at, waits_for_customer) ",
            "JOIN written ON written.id = delivery.of), ",
            "settled AS (DELETE FROM athm_inbox USING unnest($53::uuid[], $54::text[], $55::bigint[]) ",
            "AS ended (of, payment, refunded) JOIN written ON written.id = ended.of ",
            "WHERE athm_inbox.payment = ended.payment AND athm_inbox.payment = ANY ($54) AND state = 'pending' ",
            "AND refunds IS NULL AND coalesce(athm_inbox.refunded, 0) <= ended.refunded), ",
            "polls AS (INSERT INTO athm_poll (transaction_id, attempts, due_at, is_search) ",
            "SELECT poll.of, 0, poll.due_at, poll.is_search ",
            "FROM unnest($56::uuid[], $57::timestamptz[], $60::boolean[]) AS poll (of, due_at, is_search) ",
            "JOIN written ON written.id = poll.of ",
            "ON CONFLICT (transaction_id) DO UPDATE SET attempts = 0, due_at = excluded.due_at, ",
            "is_search = excluded.is_search) ",
            "SELECT id FROM written"
        )
    };
}

/// Inserts the payments of which no row has any name yet, and returns the ids of these. Without payments, it sends nothing.
///
/// `ON CONFLICT DO NOTHING` skips a payment when another row has its id, its ecommerceId or its reference number, also one
/// that another process inserts at the same time: the statement waits for that process to commit.
pub(super) async fn insert(session: &Session, writes: &[PaymentWrite], now: Timestamp) -> Result<HashSet<Uuid>> {
    if writes.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = write_payments!(
        "INSERT INTO athm_transaction (id, kind, status, ecommerce_id, reference_number, daily_transaction_id, total, \
         subtotal, tax, fee, net_amount, refunded_amount, metadata_1, metadata_2, date, deadline, verified, auth_token, \
         created_at, updated_at, problem, expected_total, accepted_total) \
         SELECT id, kind, status, ecommerce_id, reference_number, daily_transaction_id, total, subtotal, tax, fee, \
         net_amount, refunded_amount, metadata_1, metadata_2, date, deadline, verified, auth_token, created_at, \
         updated_at, problem, expected_total, accepted_total FROM seen ON CONFLICT DO NOTHING RETURNING id"
    );
    let written = session.all(sql, rows(writes, now), |row| row.get()).await?;
    Ok(written.into_iter().collect())
}

/// Updates payments that exist. Their items and customers are deleted and inserted again.
pub(super) fn update<'a>(statements: &mut Statements<'a>, writes: &'a [PaymentWrite], now: Timestamp) {
    let sql = write_payments!(
        "UPDATE athm_transaction AS known SET kind = seen.kind, status = seen.status, \
         ecommerce_id = seen.ecommerce_id, reference_number = seen.reference_number, \
         daily_transaction_id = seen.daily_transaction_id, total = seen.total, subtotal = seen.subtotal, \
         tax = seen.tax, fee = seen.fee, net_amount = seen.net_amount, refunded_amount = seen.refunded_amount, \
         metadata_1 = seen.metadata_1, metadata_2 = seen.metadata_2, date = seen.date, deadline = seen.deadline, \
         verified = seen.verified, created_at = seen.created_at, updated_at = seen.updated_at, \
         problem = seen.problem, expected_total = seen.expected_total, accepted_total = seen.accepted_total, \
         auth_token = CASE WHEN seen.is_final THEN NULL ELSE coalesce(seen.auth_token, known.auth_token) END \
         FROM seen WHERE known.id = seen.id RETURNING known.id"
    );
    if !writes.is_empty() {
        delete_details(statements, writes.iter().map(|write| write.transaction.id));
        statements.push((sql, rows(writes, now)));
        let ended = writes.iter().filter(|write| write.poll == PollPlan::End);
        polls::end(statements, ended.map(|write| *write.transaction.id.as_uuid()).collect());
    }
}

/// Moves everything from one row to another that turned out to be the same payment, and deletes the first.
///
/// (transaction, transition) is unique. When both rows have fired the same transition, the moved event gets a suffix; its
/// deliveries stay with it.
pub(super) fn merge(statements: &mut Statements<'_>, from: TransactionId, to: TransactionId) {
    refunds::merge(statements, from, to);
    let sql = "UPDATE athm_event SET transaction_id = $2, transition = CASE \
               WHEN transition IN (SELECT transition FROM athm_event WHERE transaction_id = $2) \
               THEN transition || $3 || id ELSE transition END WHERE transaction_id = $1";
    statements.push((sql, values![*from.as_uuid(), *to.as_uuid(), MERGED_SUFFIX]));
    let sql = "UPDATE athm_message SET transaction_id = $2 WHERE transaction_id = $1";
    statements.push((sql, values![*from.as_uuid(), *to.as_uuid()]));
    // The update of the remaining row follows, and inserts the items and the customer of both.
    delete_details(statements, [from].into_iter());
    polls::end(statements, vec![*from.as_uuid()]);
    statements.push(("DELETE FROM athm_transaction WHERE id = $1", values![*from.as_uuid()]));
}

/// A final payment needs no secret, and its pending messages need no lookup. [`update`] does the same; this is for
/// payments that didn't change.
pub(super) fn finish<'a>(statements: &mut Statements<'a>, writes: &'a [PaymentWrite]) {
    let finished: Vec<_> = writes.iter().filter(|write| write.transaction.status.is_final()).collect();
    if finished.is_empty() {
        return;
    }
    let sql = "UPDATE athm_transaction SET auth_token = NULL WHERE id = ANY ($1) AND auth_token IS NOT NULL";
    statements.push((sql, values![column(&finished, |write| *write.transaction.id.as_uuid())]));
    let sql = "DELETE FROM athm_inbox USING unnest($1::uuid[], $2::text[], $3::bigint[]) AS ended (of, payment, refunded) \
               WHERE athm_inbox.payment = ended.payment AND athm_inbox.payment = ANY ($2) AND state = 'pending' \
               AND refunds IS NULL AND coalesce(athm_inbox.refunded, 0) <= ended.refunded";
    let mut values = Values::new();
    push_names(&mut values, finished.into_iter());
    statements.push((sql, values));
}

/// Makes the deliveries of these payments due that have waited until it is known who paid.
pub(super) fn release_waiting<'a>(
    statements: &mut Statements<'a>,
    writes: impl Iterator<Item = &'a PaymentWrite>,
    now: Timestamp,
) {
    let named = writes.filter(|write| write.releases_waiting);
    let named: Vec<_> = named.map(|write| *write.transaction.id.as_uuid()).collect();
    if !named.is_empty() {
        let sql = "UPDATE athm_delivery SET due_at = $2, waits_for_customer = false \
                   WHERE waits_for_customer AND state = 'due' \
                   AND event_id IN (SELECT id FROM athm_event WHERE transaction_id = ANY ($1))";
        statements.push((sql, values![named, now]));
    }
}

/// Deletes the items and the customers of these payments.
fn delete_details(statements: &mut Statements<'_>, of: impl Iterator<Item = TransactionId>) {
    let of: Vec<_> = of.map(|id| *id.as_uuid()).collect();
    statements.push(("DELETE FROM athm_item WHERE transaction_id = ANY ($1)", values![of.clone()]));
    statements.push(("DELETE FROM athm_customer WHERE transaction_id = ANY ($1)", values![of]));
}

/// The values of `write_payments!`.
fn rows(writes: &[PaymentWrite], now: Timestamp) -> Values<'_> {
    let mut values = Values::new();
    push_payments(&mut values, writes);
    push_items(&mut values, writes);
    push_customers(&mut values, writes);
    push_events(&mut values, writes);
    push_deliveries(&mut values, writes, now);
    push_names(&mut values, writes.iter().filter(|write| write.transaction.status.is_final()));
    push_polls(&mut values, writes, now);
    values
}

fn push_payments<'a>(values: &mut Values<'a>, writes: &'a [PaymentWrite]) {
    let each: Vec<&Transaction> = writes.iter().map(|write| &write.transaction).collect();
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
        column(writes, |write| write.auth_token().map(text)),
        column(&each, |t| t.status.is_final()),
        column(&each, |t| storable(t.created_at)),
        column(&each, |t| storable(t.updated_at)),
        column(&each, |t| maybe_text(&t.problem)),
    ]);
}

fn push_items<'a>(values: &mut Values<'a>, writes: &'a [PaymentWrite]) {
    let each = writes.iter().flat_map(|PaymentWrite { transaction, .. }| {
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

fn push_customers<'a>(values: &mut Values<'a>, writes: &'a [PaymentWrite]) {
    let each = writes
        .iter()
        .filter_map(|PaymentWrite { transaction, .. }| Some((transaction.id, transaction.customer.as_ref()?)));
    let each: Vec<_> = each.collect();
    values.extend(values![
        column(&each, |(of, _)| *of.as_uuid()),
        column(&each, |(_, customer)| maybe_text(&customer.name)),
        column(&each, |(_, customer)| maybe_text(&customer.phone)),
        column(&each, |(_, customer)| maybe_text(&customer.email)),
        column(&each, |(_, customer)| maybe_text(&customer.message)),
    ]);
}

fn push_events<'a>(values: &mut Values<'a>, writes: &'a [PaymentWrite]) {
    let each: Vec<_> = writes.iter().flat_map(|write| &write.events).map(|(event, _)| event).collect();
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

fn push_deliveries<'a>(values: &mut Values<'a>, writes: &'a [PaymentWrite], now: Timestamp) {
    let each = writes.iter().flat_map(|write| write.events.iter().map(|planned| (write.claim, planned)));
    let each: Vec<_> = each
        .flat_map(|(claim, (event, deliveries))| {
            let planned = deliveries.iter();
            planned.map(move |(new, admission)| (event, new, inserted_as(new, admission.as_ref(), claim, now)))
        })
        .collect();
    values.extend(values![
        column(&each, |(event, ..)| *event.transaction_id.as_uuid()),
        column(&each, |(event, ..)| *event.id.as_uuid()),
        column(&each, |(_, delivery, _)| *delivery.id.as_uuid()),
        column(&each, |(_, delivery, _)| delivery.signal.as_str()),
        column(&each, |(_, delivery, _)| text(&delivery.receiver)),
        column(&each, |(.., (state, ..))| state.as_str()),
        column(&each, |(.., (_, claim, _))| claim.map(|claim| *claim.as_uuid())),
        column(&each, |(.., (.., due_at))| *due_at),
        column(&each, |(event, ..)| storable(event.created_at)),
    ]);
}

/// All names of these payments, with the refunded amount: pending messages that state a larger refund stay pending.
fn push_names<'a>(values: &mut Values<'a>, writes: impl Iterator<Item = &'a PaymentWrite>) {
    let each = writes.flat_map(|PaymentWrite { transaction, .. }| {
        let ecommerce_id = transaction.ecommerce_id.map(PaymentKey::Ecommerce);
        let reference = transaction.reference_number.clone().map(PaymentKey::Reference);
        [ecommerce_id, reference].into_iter().flatten().map(move |name| (transaction, name))
    });
    let each: Vec<_> = each.collect();
    values.extend(values![
        column(&each, |(transaction, _)| *transaction.id.as_uuid()),
        column(&each, |(_, name)| text(name.to_string())),
        column(&each, |(transaction, _)| transaction.refunded_amount.cents()),
    ]);
}

/// `$56` to `$60`: the polls, and what the payments were opened with.
fn push_polls<'a>(values: &mut Values<'a>, writes: &'a [PaymentWrite], now: Timestamp) {
    let each = writes.iter().filter_map(|write| match write.poll {
        PollPlan::In(pause, lane) => Some((write.transaction.id, later(now, pause), lane)),
        PollPlan::Keep | PollPlan::End => None,
    });
    let each: Vec<_> = each.collect();
    values.extend(values![
        column(&each, |(of, ..)| *of.as_uuid()),
        column(&each, |(_, due_at, _)| *due_at),
        column(writes, |write| write.transaction.expected_total.map(Amount::cents)),
        column(writes, |write| write.transaction.accepted_total.map(Amount::cents)),
        column(&each, |(.., lane)| *lane == PollLane::Customer),
    ]);
    let deliveries = writes.iter().flat_map(|write| &write.events).flat_map(|(_, deliveries)| deliveries);
    values.extend(values![deliveries.map(|(delivery, _)| delivery.waits_for_customer).collect::<Vec<_>>()]);
}

fn maybe_text(maybe: &Option<String>) -> Option<Cow<'_, str>> {
    maybe.as_deref().map(text)
}
