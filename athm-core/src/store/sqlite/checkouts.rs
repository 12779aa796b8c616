//! Checkouts and their payments.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::Sqlite;
use super::find::by_names;
use super::statement::{all, execute, one, postpone, readable, readable_one};
use crate::models::{
    Amount, BeginPayment, BeginPush, Checkout, CheckoutId, EcommerceId, Language, NotBegun, PhoneNumber, PushCounts,
    PushLimits, StartedAttempt, StoredItems,
};
use crate::store::checkout::{AttemptUpdate, CheckoutRow, CheckoutStore, WatchedPayment, WatchedPayments};
use crate::store::row::{Columns, attempt_columns, checkout_columns};
use crate::store::{DamagedRows, StoreFuture};
use crate::util::clock::earlier;

impl CheckoutStore for Sqlite {
    fn insert_checkout(&self, new: CheckoutRow) -> StoreFuture<'_, CheckoutId> {
        self.writer.write(move |connection| Ok(insert_checkout(connection, &new)?), |id| id)
    }

    fn find_checkout(&self, id: CheckoutId, now: Timestamp) -> StoreFuture<'_, Option<Checkout>> {
        self.reader.read(move |connection| find_checkout(connection, id, now))
    }

    fn begin_payment(&self, request: BeginPayment) -> StoreFuture<'_, Result<StartedAttempt, NotBegun>> {
        self.writer.write(move |connection| Ok(begin_payment(connection, &request)?), |begun| begun)
    }

    fn begin_push(&self, request: BeginPush) -> StoreFuture<'_, Result<Uuid, NotBegun>> {
        self.writer.write(move |connection| Ok(begin_push(connection, &request)?), |begun| begun)
    }

    fn update_attempt(&self, attempt: Uuid, update: AttemptUpdate) -> StoreFuture<'_, ()> {
        self.writer.write(move |connection| Ok(update_attempt(connection, attempt, &update)?), |()| ())
    }

    fn cancel_checkout(&self, id: CheckoutId, at: Timestamp) -> StoreFuture<'_, ()> {
        let sql = "UPDATE athm_checkout SET cancelled_at = ?2 WHERE id = ?1";
        let cancel =
            move |connection: &Connection| Ok(execute(connection, sql, params![id.as_uuid(), at.as_microsecond()])?);
        self.writer.write(cancel, |()| ())
    }

    fn claim_watched(&self, now: Timestamp, until: Timestamp, limit: u32) -> StoreFuture<'_, WatchedPayments> {
        let damaged = self.context.damaged.clone();
        self.writer
            .write(move |connection| Ok(claim_watched(connection, (now, until), limit, &damaged)?), |claimed| claimed)
    }

    fn next_watched(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.reader.read(|connection| {
            let sql = "SELECT min(due_at) FROM athm_checkout_payment WHERE due_at IS NOT NULL";
            Ok(one(connection, sql, [], |row| row.maybe_time())?.flatten())
        })
    }

    fn reschedule_watched(&self, attempt: Uuid, due_at: Option<Timestamp>) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(set_due(connection, attempt, due_at)?))
    }

    fn checkout_of(&self, payment: EcommerceId) -> StoreFuture<'_, Option<CheckoutId>> {
        self.reader.read(move |connection| {
            let sql = "SELECT checkout_id FROM athm_checkout_payment WHERE ecommerce_id = ?1";
            one(connection, sql, [payment.as_uuid()], |row| row.id())
        })
    }
}

fn insert_checkout(connection: &Connection, row: &CheckoutRow) -> rusqlite::Result<CheckoutId> {
    let (payment, key) = (&row.new.payment, row.new.payment.idempotency_key.as_deref());
    let sql = "INSERT INTO athm_checkout (id, idempotency_key, total, subtotal, tax, metadata_1, metadata_2, items, \
               timeout, language, return_url, form_token, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (idempotency_key) DO NOTHING";
    let values = params![
        row.id.as_uuid(),
        key,
        payment.total.cents(),
        payment.subtotal.map(Amount::cents),
        payment.tax.cents(),
        payment.metadata_1,
        payment.metadata_2,
        StoredItems(payment.items.clone()).to_string(),
        i64::try_from(payment.timeout.as_secs()).unwrap_or(i64::MAX),
        row.new.language.map(Language::code),
        row.new.return_url,
        row.form_token.expose_secret(),
        row.created_at.as_microsecond(),
    ];
    execute(connection, sql, values)?;
    let Some(key) = key else { return Ok(row.id) };
    let taken = one(connection, "SELECT id FROM athm_checkout WHERE idempotency_key = ?1", [key], |row| row.id())?;
    Ok(taken.unwrap_or(row.id))
}

fn find_checkout(connection: &Connection, id: CheckoutId, now: Timestamp) -> rusqlite::Result<Option<Checkout>> {
    let sql = concat!("SELECT ", checkout_columns!(), " FROM athm_checkout WHERE id = ?1");
    let Some(mut checkout) = one(connection, sql, [id.as_uuid()], |row| row.checkout())? else { return Ok(None) };
    let sql =
        concat!("SELECT ", attempt_columns!(), " FROM athm_checkout_payment WHERE checkout_id = ?1 ORDER BY number");
    checkout.attempts = all(connection, sql, [id.as_uuid()], |row| row.attempt(now))?;
    for attempt in &mut checkout.attempts {
        if let Some(ecommerce_id) = attempt.ecommerce_id {
            attempt.payment = by_names(connection, Some(*ecommerce_id.as_uuid()), None)?.pop();
        }
    }
    Ok(Some(checkout))
}

fn begin_payment(
    connection: &Connection,
    request: &BeginPayment,
) -> rusqlite::Result<Result<StartedAttempt, NotBegun>> {
    let id = request.checkout;
    let checkout = find_checkout(connection, id, request.now)?;
    let pushes = count_pushes(connection, id, &request.phone, request.at)?;
    let begun = request.decide(checkout.as_ref(), pushes);
    if let Ok(started) = &begun {
        let sql = "INSERT INTO athm_checkout_payment (id, checkout_id, number, phone, opened_at, ends_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (at, ends_at) = (request.at.as_microsecond(), request.ends_at.as_microsecond());
        let values = params![started.id, id.as_uuid(), started.number, request.phone.as_str(), at, ends_at];
        execute(connection, sql, values)?;
        let sql = "UPDATE athm_checkout SET email = coalesce(?2, email) WHERE id = ?1";
        execute(connection, sql, params![id.as_uuid(), request.email.as_ref().map(ExposeSecret::expose_secret)])?;
        insert_push(connection, id, &request.phone, request.at)?;
    }
    Ok(begun)
}

fn begin_push(connection: &Connection, request: &BeginPush) -> rusqlite::Result<Result<Uuid, NotBegun>> {
    let id = request.checkout;
    let checkout = find_checkout(connection, id, request.now)?;
    let pushes = count_pushes(connection, id, &request.phone, request.at)?;
    let begun = request.decide(checkout.as_ref(), pushes);
    if begun.is_ok() {
        insert_push(connection, id, &request.phone, request.at)?;
    }
    Ok(begun)
}

fn count_pushes(
    connection: &Connection,
    of: CheckoutId,
    phone: &PhoneNumber,
    at: Timestamp,
) -> rusqlite::Result<PushCounts> {
    let sql = "SELECT (SELECT count(*) FROM athm_checkout_push WHERE phone = ?1 AND pushed_at > ?3), \
               (SELECT count(*) FROM athm_checkout_push WHERE checkout_id = ?2 AND pushed_at > ?3)";
    let since = earlier(at, PushLimits::WINDOW).as_microsecond();
    let counts = one(connection, sql, params![phone.as_str(), of.as_uuid(), since], |row| {
        Ok(PushCounts { of_phone: row.count()?, of_checkout: row.count()? })
    })?;
    Ok(counts.unwrap_or_default())
}

fn insert_push(connection: &Connection, of: CheckoutId, phone: &PhoneNumber, at: Timestamp) -> rusqlite::Result<()> {
    let sql = "INSERT INTO athm_checkout_push (id, phone, checkout_id, pushed_at) VALUES (?1, ?2, ?3, ?4)";
    execute(connection, sql, params![Uuid::now_v7(), phone.as_str(), of.as_uuid(), at.as_microsecond()])
}

fn update_attempt(connection: &Connection, attempt: Uuid, update: &AttemptUpdate) -> rusqlite::Result<()> {
    match update {
        AttemptUpdate::Opened { ecommerce_id, due_at } => {
            let sql = "UPDATE athm_checkout_payment SET ecommerce_id = ?2, due_at = ?3 WHERE id = ?1";
            execute(connection, sql, params![attempt, ecommerce_id.as_uuid(), due_at.as_microsecond()])
        }
        AttemptUpdate::Failed { code } => {
            let sql = "UPDATE athm_checkout_payment SET failure = ?2, ends_at = NULL WHERE id = ?1";
            execute(connection, sql, params![attempt, code])
        }
        AttemptUpdate::PhoneChanged(phone) => {
            let sql = "UPDATE athm_checkout_payment SET phone = ?2 WHERE id = ?1";
            execute(connection, sql, params![attempt, phone.as_str()])
        }
    }
}

/// Leases due payments, the newest first, until `until`.
fn claim_watched(
    connection: &Connection,
    (now, until): (Timestamp, Timestamp),
    limit: u32,
    damaged: &DamagedRows,
) -> rusqlite::Result<WatchedPayments> {
    let sql = "SELECT id, ecommerce_id FROM athm_checkout_payment WHERE due_at IS NOT NULL AND due_at <= ?1 \
               ORDER BY id DESC LIMIT ?2";
    let values = params![now.as_microsecond(), limit];
    let due = readable(connection, ("athm_checkout_payment", damaged), sql, values, |row| {
        Ok((row.uuid()?, row.maybe_uuid()?))
    })?;
    postpone(connection, "UPDATE athm_checkout_payment SET due_at = ?2 WHERE id = ?1", &due.damaged, now)?;
    let mut claimed = Vec::new();
    for (attempt, ecommerce_id) in due.rows {
        set_due(connection, attempt, Some(until))?;
        let of = ("athm_transaction", damaged);
        let Some(mut found) = readable_one(of, &attempt, by_names(connection, ecommerce_id, None))? else { continue };
        match found.pop() {
            Some(transaction) => claimed.push(WatchedPayment { attempt, transaction }),
            None => unwatch_unrecorded(connection, attempt, now)?,
        }
    }
    let sql = "SELECT count(*) FROM athm_checkout_payment WHERE due_at IS NOT NULL";
    let waiting = one(connection, sql, [], |row| row.count())?.unwrap_or_default();
    Ok(WatchedPayments { due: claimed, waiting })
}

/// A process has died before it recorded the payment: no money can move for it, and there is nothing to watch.
fn unwatch_unrecorded(connection: &Connection, attempt: Uuid, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_checkout_payment SET due_at = NULL WHERE id = ?1 AND (ends_at IS NULL OR ends_at <= ?2)";
    execute(connection, sql, params![attempt, now.as_microsecond()])
}

fn set_due(connection: &Connection, attempt: Uuid, due_at: Option<Timestamp>) -> rusqlite::Result<()> {
    let due_at = due_at.map(Timestamp::as_microsecond);
    execute(connection, "UPDATE athm_checkout_payment SET due_at = ?2 WHERE id = ?1", params![attempt, due_at])
}

/// Ends all calls that were in flight when the last process stopped, and has each open payment looked up at once: no other
/// process has the file.
pub(super) fn make_due(connection: &Connection) -> rusqlite::Result<()> {
    execute(connection, "UPDATE athm_checkout_payment SET ends_at = NULL WHERE ends_at IS NOT NULL", [])?;
    execute(connection, "UPDATE athm_checkout_payment SET due_at = 0 WHERE due_at IS NOT NULL", [])
}
