//! Checkouts and their payments.
//!
//! The row of a checkout is locked before a payment is opened for it. The rows of payments are read without a lock then: a
//! payment that has ended stays so, and one that ends meanwhile only makes the answer "not now".

use std::collections::HashMap;

use futures_util::FutureExt;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::Postgres;
use super::fault::Result;
use super::find::{with_details, with_readable_details};
use super::request::{BatchContext, Request, SingleRequest};
use super::session::Session;
use super::values::{integer, storable, text, values};
use crate::models::{
    Amount, BeginPayment, BeginPush, Checkout, CheckoutId, EcommerceId, Language, NotBegun, PhoneNumber, PushCounts,
    PushLimits, StartedAttempt, StoredItems, Transaction,
};
use crate::store::StoreFuture;
use crate::store::checkout::{AttemptUpdate, CheckoutRow, CheckoutStore, WatchedPayment, WatchedPayments};
use crate::store::row::{Columns, attempt_columns, checkout_columns, select_transaction};
use crate::util::clock::earlier;

impl CheckoutStore for Postgres {
    fn insert_checkout(&self, new: CheckoutRow) -> StoreFuture<'_, CheckoutId> {
        self.writer.write(new)
    }

    fn find_checkout(&self, id: CheckoutId, now: Timestamp) -> StoreFuture<'_, Option<Checkout>> {
        self.read((id, now), |session, clock, (id, now)| {
            async move {
                let now = session.clock_offset(&clock).await?.to_server(now);
                let sql = concat!("SELECT ", checkout_columns!(), " FROM athm_checkout WHERE id = $1");
                find_checkout(&session, sql, id, now).await
            }
            .boxed()
        })
    }

    fn begin_payment(&self, request: BeginPayment) -> StoreFuture<'_, std::result::Result<StartedAttempt, NotBegun>> {
        self.writer.write(request)
    }

    fn begin_push(&self, request: BeginPush) -> StoreFuture<'_, std::result::Result<Uuid, NotBegun>> {
        self.writer.write(request)
    }

    fn update_attempt(&self, attempt: Uuid, update: AttemptUpdate) -> StoreFuture<'_, ()> {
        self.writer.write(UpdateAttempt { attempt, update })
    }

    fn cancel_checkout(&self, id: CheckoutId, at: Timestamp) -> StoreFuture<'_, ()> {
        self.writer.write(CancelCheckout { id, at })
    }

    fn claim_watched(&self, now: Timestamp, until: Timestamp, limit: u32) -> StoreFuture<'_, WatchedPayments> {
        self.writer.write(ClaimWatched { now, until, limit })
    }

    fn next_watched(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read((), |session, clock, ()| {
            async move {
                let offset = session.clock_offset(&clock).await?;
                let sql = "SELECT min(due_at) FROM athm_checkout_payment WHERE due_at IS NOT NULL";
                let next = session.one(sql, values![], |row| row.maybe_time()).await?;
                Ok(next.flatten().map(|next| offset.to_local(next)))
            }
            .boxed()
        })
    }

    fn reschedule_watched(&self, attempt: Uuid, due_at: Option<Timestamp>) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(RescheduleWatched { attempt, due_at })
    }

    fn checkout_of(&self, payment: EcommerceId) -> StoreFuture<'_, Option<CheckoutId>> {
        self.read(payment, |session, _, payment| {
            async move {
                let sql = "SELECT checkout_id FROM athm_checkout_payment WHERE ecommerce_id = $1";
                session.one(sql, values![*payment.as_uuid()], |row| row.id()).await
            }
            .boxed()
        })
    }
}

impl Request for CheckoutRow {
    type Written = CheckoutId;
}

impl SingleRequest for CheckoutRow {
    async fn execute(&self, BatchContext { session, .. }: BatchContext<'_>) -> Result<CheckoutId> {
        let (payment, key) = (&self.new.payment, self.new.payment.idempotency_key.as_deref().map(text));
        let sql = "INSERT INTO athm_checkout (id, idempotency_key, total, subtotal, tax, metadata_1, metadata_2, items, \
                   timeout, language, return_url, form_token, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                   ON CONFLICT (idempotency_key) DO NOTHING";
        let values = values![
            *self.id.as_uuid(),
            key.clone(),
            payment.total.cents(),
            payment.subtotal.map(Amount::cents),
            payment.tax.cents(),
            text(&payment.metadata_1),
            text(&payment.metadata_2),
            StoredItems(payment.items.clone()).to_string(),
            i64::try_from(payment.timeout.as_secs()).unwrap_or(i64::MAX),
            self.new.language.map(Language::code),
            self.new.return_url.as_deref().map(text),
            self.form_token.expose_secret(),
            storable(self.created_at),
        ];
        session.execute(sql, values).await?;
        let Some(key) = key else { return Ok(self.id) };
        let sql = "SELECT id FROM athm_checkout WHERE idempotency_key = $1";
        Ok(session.one(sql, values![key], |row| row.id()).await?.unwrap_or(self.id))
    }
}

impl Request for BeginPayment {
    type Written = std::result::Result<StartedAttempt, NotBegun>;
}

impl SingleRequest for BeginPayment {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Self::Written> {
        let id = self.checkout;
        let checkout = locked(session, id, offset.to_server(self.now)).await?;
        let pushes = count_pushes(session, id, &self.phone, self.at).await?;
        let begun = self.decide(checkout.as_ref(), pushes);
        if let Ok(started) = &begun {
            let (phone, ends_at) = (self.phone.as_str(), offset.to_server(self.ends_at));
            let sql = "INSERT INTO athm_checkout_payment (id, checkout_id, number, phone, opened_at, ends_at) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
            let attempt =
                values![started.id, *id.as_uuid(), integer(started.number), phone, storable(self.at), ends_at];
            let email = "UPDATE athm_checkout SET email = coalesce($2, email) WHERE id = $1";
            let of_email = values![*id.as_uuid(), self.email.as_ref().map(|email| text(email.expose_secret()))];
            let statements = vec![(sql, attempt), (email, of_email), push(id, &self.phone, self.at)];
            session.execute_all(statements).await?;
        }
        Ok(begun)
    }
}

impl Request for BeginPush {
    type Written = std::result::Result<Uuid, NotBegun>;
}

impl SingleRequest for BeginPush {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Self::Written> {
        let id = self.checkout;
        let checkout = locked(session, id, offset.to_server(self.now)).await?;
        let pushes = count_pushes(session, id, &self.phone, self.at).await?;
        let begun = self.decide(checkout.as_ref(), pushes);
        if begun.is_ok() {
            session.execute_all(vec![push(id, &self.phone, self.at)]).await?;
        }
        Ok(begun)
    }
}

/// A checkout, locked until the transaction ends: of two processes, the second sees what the first has begun.
async fn locked(session: &Session, id: CheckoutId, now: Timestamp) -> Result<Option<Checkout>> {
    let sql = concat!("SELECT ", checkout_columns!(), " FROM athm_checkout WHERE id = $1 FOR UPDATE");
    find_checkout(session, sql, id, now).await
}

async fn find_checkout(
    session: &Session,
    sql: &'static str,
    id: CheckoutId,
    now: Timestamp,
) -> Result<Option<Checkout>> {
    let found = session.one(sql, values![*id.as_uuid()], |row| row.checkout()).await?;
    let Some(mut checkout) = found else { return Ok(None) };
    let sql =
        concat!("SELECT ", attempt_columns!(), " FROM athm_checkout_payment WHERE checkout_id = $1 ORDER BY number");
    checkout.attempts = session.all(sql, values![*id.as_uuid()], |row| row.attempt(now)).await?;
    let named = checkout.attempts.iter().filter_map(|attempt| attempt.ecommerce_id);
    let named: Vec<Uuid> = named.map(|id| *id.as_uuid()).collect();
    if named.is_empty() {
        return Ok(Some(checkout));
    }
    let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = ANY ($1)");
    let payments = session.all(sql, values![named], |row| row.transaction()).await?;
    for payment in with_details(session, payments).await? {
        let of = checkout.attempts.iter_mut().find(|attempt| attempt.ecommerce_id == payment.ecommerce_id);
        if let Some(attempt) = of {
            attempt.payment = Some(payment);
        }
    }
    Ok(Some(checkout))
}

/// Checkouts of one phone are counted one after another, in whatever process.
async fn count_pushes(session: &Session, of: CheckoutId, phone: &PhoneNumber, at: Timestamp) -> Result<PushCounts> {
    session.one("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", values![phone.as_str()], |_| Ok(())).await?;
    let sql = "SELECT (SELECT count(*)::int FROM athm_checkout_push WHERE phone = $1 AND pushed_at > $3), \
               (SELECT count(*)::int FROM athm_checkout_push WHERE checkout_id = $2 AND pushed_at > $3)";
    let values = values![phone.as_str(), *of.as_uuid(), storable(earlier(at, PushLimits::WINDOW))];
    let read =
        |row: &mut super::row::PostgresRow<'_>| Ok(PushCounts { of_phone: row.count()?, of_checkout: row.count()? });
    Ok(session.one(sql, values, read).await?.unwrap_or_default())
}

fn push<'a>(of: CheckoutId, phone: &'a PhoneNumber, at: Timestamp) -> (&'static str, super::values::Values<'a>) {
    let sql = "INSERT INTO athm_checkout_push (id, phone, checkout_id, pushed_at) VALUES ($1, $2, $3, $4)";
    (sql, values![Uuid::now_v7(), phone.as_str(), *of.as_uuid(), storable(at)])
}

struct UpdateAttempt {
    attempt: Uuid,
    update: AttemptUpdate,
}

impl Request for UpdateAttempt {
    type Written = ();
}

impl SingleRequest for UpdateAttempt {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<()> {
        let (sql, values) = match &self.update {
            AttemptUpdate::Opened { ecommerce_id, due_at } => (
                "UPDATE athm_checkout_payment SET ecommerce_id = $2, due_at = $3 WHERE id = $1",
                values![self.attempt, *ecommerce_id.as_uuid(), offset.to_server(*due_at)],
            ),
            AttemptUpdate::Failed { code } => (
                "UPDATE athm_checkout_payment SET failure = $2, ends_at = NULL WHERE id = $1",
                values![self.attempt, text(code)],
            ),
            AttemptUpdate::PhoneChanged(phone) => {
                ("UPDATE athm_checkout_payment SET phone = $2 WHERE id = $1", values![self.attempt, phone.as_str()])
            }
        };
        session.execute(sql, values).await.map(drop)
    }
}

struct CancelCheckout {
    id: CheckoutId,
    at: Timestamp,
}

impl Request for CancelCheckout {
    type Written = ();
}

impl SingleRequest for CancelCheckout {
    async fn execute(&self, BatchContext { session, .. }: BatchContext<'_>) -> Result<()> {
        let sql = "UPDATE athm_checkout SET cancelled_at = $2 WHERE id = $1";
        session.execute(sql, values![*self.id.as_uuid(), storable(self.at)]).await.map(drop)
    }
}

/// Leases due payments, the newest first, until `until`. No other process claims them meanwhile.
struct ClaimWatched {
    now: Timestamp,
    until: Timestamp,
    limit: u32,
}

impl Request for ClaimWatched {
    type Written = WatchedPayments;
}

impl SingleRequest for ClaimWatched {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<WatchedPayments> {
        let sql = "UPDATE athm_checkout_payment SET due_at = $2 WHERE id = ANY (ARRAY \
                   (SELECT id FROM athm_checkout_payment WHERE due_at IS NOT NULL AND due_at <= $1 \
                   ORDER BY id DESC LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING id, ecommerce_id";
        let (now, until) = (offset.to_server(self.now), offset.to_server(self.until));
        let values = values![now, until, i64::from(self.limit)];
        let read = |row: &mut super::row::PostgresRow<'_>| Ok((row.uuid()?, row.maybe_uuid()?));
        // A damaged row is leased like the others, so that it isn't due at once again.
        let (mut claimed, _) = session.readable("athm_checkout_payment", sql, values, read).await?;
        // Ids grow with time: the newest first.
        claimed.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        let named: Vec<Uuid> = claimed.iter().filter_map(|(_, ecommerce_id)| *ecommerce_id).collect();
        let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = ANY ($1)");
        let of = values![named];
        let (found, damaged) = session.readable("athm_transaction", sql, of, |row| row.transaction()).await?;
        let id_of = |payment: &Transaction| payment.ecommerce_id.map(|id| *id.as_uuid());
        let recorded: Vec<Option<Uuid>> = found.iter().map(id_of).collect();
        let unrecorded = claimed.iter().filter(|(_, ecommerce_id)| !recorded.contains(ecommerce_id));
        let unrecorded: Vec<Uuid> = unrecorded.map(|(attempt, _)| *attempt).collect();
        if damaged.is_empty() && !unrecorded.is_empty() {
            // A process has died before it recorded the payment: no money can move for it, and there is nothing to watch.
            let sql = "UPDATE athm_checkout_payment SET due_at = NULL \
                       WHERE id = ANY ($1) AND (ends_at IS NULL OR ends_at <= $2)";
            session.execute(sql, values![unrecorded, now]).await?;
        }
        let found = with_readable_details(session, found).await?;
        let mut found: HashMap<_, _> = found.into_iter().map(|payment| (id_of(&payment), payment)).collect();
        let watched = |(attempt, ecommerce_id): (Uuid, Option<Uuid>)| {
            Some(WatchedPayment { attempt, transaction: found.remove(&ecommerce_id)? })
        };
        let due = claimed.into_iter().filter_map(watched).collect();
        let sql = "SELECT count(*)::int FROM athm_checkout_payment WHERE due_at IS NOT NULL";
        let waiting = session.one(sql, values![], |row| row.count()).await?.unwrap_or_default();
        Ok(WatchedPayments { due, waiting })
    }
}

struct RescheduleWatched {
    attempt: Uuid,
    due_at: Option<Timestamp>,
}

impl Request for RescheduleWatched {
    type Written = ();
}

impl SingleRequest for RescheduleWatched {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<()> {
        let due_at = self.due_at.map(|due_at| offset.to_server(due_at));
        let sql = "UPDATE athm_checkout_payment SET due_at = $2 WHERE id = $1";
        session.execute(sql, values![self.attempt, due_at]).await.map(drop)
    }
}
