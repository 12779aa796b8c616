//! PostgreSQL: all of its SQL.
//!
//! Several processes share one database: what one of them reads to write it, it locks. Deadlines are by the server's
//! clock, so that processes whose clocks disagree agree on them.

mod address;
mod fault;
mod row;
mod session;
mod unlogged;
mod writer;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tracing::Span;
use uuid::Uuid;

use self::address::Address;
use self::fault::{Fault, Result};
use self::row::Columns;
use self::session::{Link, Session, Times, Values, storable, values};
use self::writer::{About, Request, Turn, Writer};
use super::decide::{Stored, Write};
use super::step::TWICE;
use super::{
    Answer, Before, By, Claim, DeliveryQuery, Held, HeldAs, Page, PaymentKey, Record, Recorded, SetUp, Store,
    StoreError, TransactionQuery,
};
use crate::clock::later;
use crate::delivery::{
    Claimed, DeliveryRecord, DeliveryState, End, Ended, LEASE, Planned, ReplayError, ReplayOf, Run, Slot, What, Work,
};
use crate::transaction::Transition;
use crate::{Amount, Clock, DeliveryId, Event, EventId, ReferenceNumber, Signal, Transaction, TransactionId};

const MIGRATIONS: &[&str] = &[include_str!("migrations/postgres/0001_payments.sql")];
/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many messages may wait, and how many refused and unmatched ones are kept: the newest.
const KEPT: i64 = 10_000;
/// How many rows are forgotten at once, and how many deliveries are shown.
const SOME: i64 = 1_000;
/// How many waiting messages are read at once.
const DUE: i64 = 64;

type Statements<'a> = Vec<(&'static str, Values<'a>)>;

macro_rules! select_transaction {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.kind, t.status, t.ecommerce_id, t.reference_number, t.daily_transaction_id, t.total, ",
            "t.subtotal, t.tax, t.fee, t.net_amount, t.refunded_amount, t.metadata_1, t.metadata_2, t.date, t.deadline, ",
            "t.verified, t.created_at, t.updated_at ",
            $rest
        )
    };
}

/// A database on a server: one connection that writes, one that reads.
pub(super) struct Postgres {
    writer: Writer,
    reader: Arc<Link>,
    set_up: Arc<SetUp>,
    is_closed: AtomicBool,
}

impl Postgres {
    pub(super) async fn open(url: &str, set_up: SetUp) -> std::result::Result<Self, StoreError> {
        let address = Arc::new(Address::parse(url)?);
        let (house, set_up) = (set_up.house.clone(), Arc::new(set_up));
        let writing = Link::new(Arc::clone(&address), house.clone());
        let opened = house.spawn(async move {
            let session = writing.session().await?;
            let migrated = timeout(PATIENCE, migrate(&session)).await;
            migrated.unwrap_or_else(|_| Err(Fault::slow())).map(|()| writing)
        });
        let writing = opened.await.map_err(|_| StoreError::Closed)?.map_err(Fault::into_error)?;
        let writer = Writer::start(writing, Arc::clone(&set_up));
        Ok(Self { writer, reader: Arc::new(Link::new(address, house)), set_up, is_closed: AtomicBool::new(false) })
    }

    /// Asks on the house's runtime, and once more when the connection was lost.
    fn read<A: Clone + Send + Sync + 'static, T: Send + 'static>(
        &self,
        about: A,
        ask: fn(Arc<Session>, Clock, A) -> BoxFuture<'static, Result<T>>,
    ) -> Answer<'static, T> {
        if self.is_closed.load(Ordering::Acquire) {
            return async { Err(StoreError::Closed) }.boxed();
        }
        let (reader, clock) = (Arc::clone(&self.reader), self.set_up.clock.clone());
        let asked = self.set_up.house.spawn(async move {
            let mut has_lost = false;
            loop {
                let session = reader.session().await?;
                let asked = timeout(PATIENCE, ask(Arc::clone(&session), clock.clone(), about.clone())).await;
                match asked.unwrap_or_else(|_| Err(Fault::slow())) {
                    Err(fault) if fault.is_lost() => {
                        reader.forget(&session).await;
                        if has_lost || matches!(fault, Fault::Unknown(_)) {
                            return Err(fault);
                        }
                        has_lost = true;
                    }
                    answer => return answer,
                }
            }
        });
        async move { asked.await.map_err(|_| StoreError::Closed)?.map_err(Fault::into_error) }.boxed()
    }
}

impl Store for Postgres {
    fn record(&self, record: Record) -> Answer<'_, Recorded> {
        self.writer.write(Recording { record, span: Span::current() })
    }

    fn claim(&self, claim: Claim) -> Answer<'_, usize> {
        self.writer.write(claim)
    }

    fn has_due(&self, now: Timestamp, receivers: Vec<String>) -> Answer<'_, bool> {
        self.read((now, receivers), |session, clock, (now, receivers)| {
            async move {
                let now = session.times(&clock).await?.there(now);
                let sql = "SELECT EXISTS (SELECT 1 FROM athm_delivery WHERE state IN ('due', 'running') AND due_at <= $1 \
                           AND receiver = ANY ($2))";
                let found = session.one(sql, values![now, receivers], |columns| columns.get()).await?;
                Ok(found.unwrap_or(false))
            }
            .boxed()
        })
    }

    fn renew(&self, running: Vec<(DeliveryId, u32)>, until: Timestamp) -> Answer<'_, ()> {
        self.writer.write_lazily(Renewal { running, until })
    }

    fn acknowledge(&self, ended: Ended) -> Answer<'_, ()> {
        self.writer.write_lazily(ended)
    }

    fn deliveries(&self, which: DeliveryQuery) -> Answer<'_, Vec<DeliveryRecord>> {
        self.read(which, |session, clock, which| async move { deliveries(&session, &clock, which).await }.boxed())
    }

    fn replay(&self, of: ReplayOf) -> Answer<'_, std::result::Result<Vec<DeliveryRecord>, ReplayError>> {
        self.writer.write(of)
    }

    fn hold(&self, held: Held) -> Answer<'_, ()> {
        self.writer.write(held)
    }

    fn release(&self, key: PaymentKey, version: i64) -> Answer<'_, ()> {
        self.writer.write_lazily(Release { key, version })
    }

    fn tidy(&self, before: Before) -> Answer<'_, bool> {
        self.writer.write_lazily(before)
    }

    fn due(&self, now: Timestamp) -> Answer<'_, Vec<Held>> {
        self.read(now, |session, clock, now| {
            async move {
                let now = session.times(&clock).await?.there(now);
                let sql = "SELECT id, payment, kind, status, refunded, version, sender, body, attempts, due_at, received_at FROM athm_inbox \
                           WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT $2";
                session.all(sql, values![now, DUE], |columns| columns.pending()).await
            }
            .boxed()
        })
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.read((), |session, clock, ()| {
            async move {
                let times = session.times(&clock).await?;
                let sql = "SELECT min(due_at) FROM athm_inbox WHERE state = 'pending'";
                let next = session.one(sql, values![], |columns| columns.maybe_time()).await?;
                Ok(next.flatten().map(|next| times.here(next)))
            }
            .boxed()
        })
    }

    fn find(&self, by: By) -> Answer<'_, Option<Transaction>> {
        self.read(by, |session, _, by| {
            async move {
                let found = match by {
                    By::Id(id) => by_id(&session, id).await?,
                    By::Payment(PaymentKey::Ecommerce(id)) => {
                        let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = $1");
                        session.all(sql, values![*id.as_uuid()], |columns| columns.transaction()).await?
                    }
                    By::Payment(PaymentKey::Reference(reference)) => {
                        let sql = select_transaction!("FROM athm_transaction t WHERE t.reference_number = $1");
                        session.all(sql, values![reference.as_str()], |columns| columns.transaction()).await?
                    }
                };
                Ok(filled(&session, found).await?.pop())
            }
            .boxed()
        })
    }

    fn ticket(&self, id: TransactionId) -> Answer<'_, Option<(Transaction, Option<SecretString>)>> {
        self.read(id, |session, _, id| {
            async move {
                let found = by_id(&session, id).await?;
                let Some(transaction) = filled(&session, found).await?.pop() else { return Ok(None) };
                let sql = "SELECT auth_token FROM athm_transaction WHERE id = $1";
                let token = session.one(sql, values![*id.as_uuid()], |columns| columns.get::<Option<String>>()).await?;
                Ok(Some((transaction, token.flatten().map(SecretString::from))))
            }
            .boxed()
        })
    }

    fn list(&self, query: TransactionQuery) -> Answer<'_, Page> {
        self.read(query, |session, _, query| async move { list(&session, &query).await }.boxed())
    }

    fn events(&self, id: TransactionId) -> Answer<'_, Vec<Event>> {
        self.read(id, |session, _, id| {
            async move {
                let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                           FROM athm_event WHERE transaction_id = $1 ORDER BY created_at, id";
                session.all(sql, values![*id.as_uuid()], |columns| columns.event()).await
            }
            .boxed()
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        let reads = self.read((), |session, _, ()| {
            async move { session.execute("SELECT 1 FROM athm_migration LIMIT 1", values![]).await.map(drop) }.boxed()
        });
        // An empty write tells that others would get theirs.
        let writes = self.writer.write(Nothing);
        async move {
            reads.await?;
            writes.await
        }
        .boxed()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.is_closed.store(true, Ordering::Release);
        let (reader, closing) = (Arc::clone(&self.reader), self.writer.close());
        async move {
            closing.await?;
            reader.close().await;
            Ok(())
        }
        .boxed()
    }
}

/// Nothing to write.
struct Nothing;

impl Request for Nothing {
    type Written = ();
    type Answer = ();

    fn about(&self) -> About {
        About::These(Vec::new())
    }

    async fn execute(&self, _: Turn<'_>) -> Result<()> {
        Ok(())
    }

    fn committed(self, (): (), _: &SetUp) {}
}

// Opening.

/// Brings the tables up to date, as one step: forward only, and one process at a time.
async fn migrate(session: &Session) -> Result<()> {
    // Any number that nobody else locks: "athm" in ASCII.
    session.run("BEGIN; SELECT pg_advisory_xact_lock(1635018861)").await?;
    // Asked first: the user that runs the program need not be allowed to make tables.
    let sql = "SELECT to_regclass('athm_migration') IS NOT NULL";
    if session.one(sql, values![], |columns| columns.get()).await? != Some(true) {
        session
            .run(
                "CREATE TABLE athm_migration (version INTEGER NOT NULL PRIMARY KEY, \
                 applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())",
            )
            .await?;
    }
    let sql = "SELECT coalesce(max(version), 0) FROM athm_migration";
    let found = session.one(sql, values![], |columns| columns.get::<i32>()).await?.unwrap_or(0);
    let (found, known) = (u32::try_from(found).unwrap_or(0), u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX));
    if found > known {
        return Err(Fault::Refused(StoreError::Newer { found, known }));
    }
    for (version, migration) in (1_i32..).zip(MIGRATIONS).skip(found as usize) {
        session.run(migration).await?;
        session.execute("INSERT INTO athm_migration (version) VALUES ($1)", values![version]).await?;
    }
    session.commit().await
}

// Recording.

/// A payment as it was seen, and where.
struct Recording {
    record: Record,
    span: Span,
}

impl Request for Recording {
    type Written = (Recorded, Vec<Work>);
    type Answer = Recorded;

    fn about(&self) -> About {
        let observed = &self.record.observed;
        let ticket = observed.ecommerce_id.map(PaymentKey::Ecommerce);
        let reference = observed.reference_number.clone().map(PaymentKey::Reference);
        About::These([ticket, reference].iter().flatten().map(ToString::to_string).collect())
    }

    async fn execute(&self, turn: Turn<'_>) -> Result<Self::Written> {
        let Self { record, span } = self;
        let rows = stored(turn.session, &record.observed).await?;
        let decision = turn.set_up.policy.decide(rows, record).map_err(Fault::Refused)?;
        let transaction = decision.transaction;
        let mut statements = Statements::new();
        if let Some(other) = decision.merged {
            merge(&mut statements, other, transaction.id);
        }
        match decision.write {
            Write::Insert => insert(&mut statements, &transaction),
            Write::Update => update(&mut statements, &transaction),
            Write::Nothing => {}
        }
        if transaction.status.is_final() {
            settle(&mut statements, &transaction, decision.write);
        } else if let Some(token) = &record.auth_token {
            let sql = "UPDATE athm_transaction SET auth_token = $2 WHERE id = $1";
            statements.push((sql, values![*transaction.id.as_uuid(), text(token.expose_secret())]));
        }
        let planned = decision.events.iter().map(|(_, deliveries)| deliveries.len()).sum();
        let mut slots = turn.set_up.outbox.slots(planned).into_iter();
        let now = turn.times.there(turn.set_up.clock.steady());
        let shared = Arc::new(transaction.clone());
        let mut recorded = Recorded { transaction: transaction.clone(), events: Vec::new() };
        let mut works = Vec::new();
        for (event, deliveries) in decision.events {
            insert_event(&mut statements, &event);
            recorded.events.push(event.clone());
            let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
            let deliveries = insert_deliveries(&mut statements, &event, deliveries, &mut slots, now);
            works.push(Work { transaction, event, deliveries, span });
        }
        turn.session.execute_all(statements).await?;
        Ok((recorded, works))
    }

    fn committed(self, (recorded, works): Self::Written, set_up: &SetUp) -> Recorded {
        works.into_iter().for_each(|work| set_up.outbox.hand_over(work));
        recorded
    }
}

/// The rows that carry one of its names, locked, with the steps that they have taken.
async fn stored(session: &Session, observed: &Transaction) -> Result<Vec<Stored>> {
    let sql = select_transaction!(
        "FROM athm_transaction t WHERE t.ecommerce_id = $1 OR t.reference_number = $2 ORDER BY t.id FOR UPDATE"
    );
    let ecommerce_id = observed.ecommerce_id.map(|id| *id.as_uuid());
    let reference = observed.reference_number.as_ref().map(ReferenceNumber::as_str);
    let found = session.all(sql, values![ecommerce_id, reference], |columns| columns.transaction()).await?;
    let sql = "SELECT transaction_id, transition FROM athm_event WHERE transaction_id = ANY ($1)";
    let steps = session.all(sql, values![ids(&found)], |columns| Ok((columns.get::<Uuid>()?, columns.get()?)));
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let (found, steps): (_, Vec<(Uuid, String)>) = try_join(filled(session, found), steps).await?;
    let stored = found.into_iter().map(|transaction| {
        let id = *transaction.id.as_uuid();
        let fired = steps.iter().filter(|(of, _)| *of == id).map(|(_, step)| step.clone()).collect();
        Stored { transaction, fired }
    });
    Ok(stored.collect())
}

fn insert<'a>(statements: &mut Statements<'a>, transaction: &'a Transaction) {
    let sql = "INSERT INTO athm_transaction (id, created_at, kind, status, ecommerce_id, reference_number, \
               daily_transaction_id, total, subtotal, tax, fee, net_amount, refunded_amount, metadata_1, metadata_2, \
               date, deadline, verified, updated_at) \
               VALUES ($1, $19, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    statements.push((sql, row(transaction)));
    write_belongings(statements, transaction);
}

fn update<'a>(statements: &mut Statements<'a>, transaction: &'a Transaction) {
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
fn merge(statements: &mut Statements<'_>, from: TransactionId, to: TransactionId) {
    let sql = "UPDATE athm_event SET transaction_id = $2, transition = CASE \
               WHEN transition IN (SELECT transition FROM athm_event WHERE transaction_id = $2) \
               THEN transition || $3 || id ELSE transition END WHERE transaction_id = $1";
    statements.push((sql, values![*from.as_uuid(), *to.as_uuid(), TWICE]));
    // Its items and its customer are in the payment that is written next.
    without_belongings(statements, from);
    statements.push(("DELETE FROM athm_transaction WHERE id = $1", values![*from.as_uuid()]));
}

/// An ended payment needs no secret, and nobody waits for the provider's word on it.
fn settle(statements: &mut Statements<'_>, transaction: &Transaction, write: Write) {
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

fn insert_event(statements: &mut Statements<'_>, event: &Event) {
    let Event { id, transaction_id, transition, sender, rejection, created_at } = event;
    let refund_amount = match transition {
        Transition::Refunded(refund) => Some(refund.amount.cents()),
        _ => None,
    };
    let sql = "INSERT INTO athm_event (id, transaction_id, transition, refund_amount, sender, rejection, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = values![
        *id.as_uuid(),
        *transaction_id.as_uuid(),
        text(&transition.key()),
        refund_amount,
        text(sender.as_str()),
        rejection.as_deref().map(text),
        storable(*created_at),
    ];
    statements.push((sql, values));
}

/// Those that get a slot are claimed as they are made; the others are due.
fn insert_deliveries(
    statements: &mut Statements<'_>,
    event: &Event,
    deliveries: Vec<Planned>,
    slots: &mut impl Iterator<Item = Slot>,
    now: Timestamp,
) -> Vec<Claimed> {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, false, $7, $8)";
    let mut claimed = Vec::new();
    for planned in deliveries {
        let slot = slots.next();
        let (state, attempt, due_at) = if slot.is_some() { ("running", 1, later(now, LEASE)) } else { ("due", 0, now) };
        let Planned { id, signal, receiver } = &planned;
        let (id, event_id, created_at) = (*id.as_uuid(), *event.id.as_uuid(), storable(event.created_at));
        let (receiver, signal) = (receiver.clone(), signal.as_str());
        statements.push((sql, values![id, event_id, signal, receiver, state, attempt, due_at, created_at]));
        claimed.extend(slot.map(|slot| Claimed { planned, attempt: 1, is_replay: false, slot }));
    }
    claimed
}

// Deliveries.

/// A delivery that was claimed, with what it is about.
struct ClaimedRow {
    transaction: Transaction,
    event: Event,
    planned: Planned,
    attempt: u32,
    is_replay: bool,
}

impl Request for Claim {
    type Written = Vec<ClaimedRow>;
    type Answer = usize;

    fn about(&self) -> About {
        About::Everything
    }

    async fn execute(&self, Turn { session, times, set_up }: Turn<'_>) -> Result<Self::Written> {
        // Asked by the task that hands over what is claimed, so that it is exact.
        let running: Vec<_> = set_up.outbox.running().iter().map(|id| *id.as_uuid()).collect();
        let most = i64::try_from(self.slots.len()).unwrap_or(i64::MAX);
        claim(session, times, self, running, most).await
    }

    fn committed(self, written: Self::Written, set_up: &SetUp) -> usize {
        let mut works = Vec::<Work>::new();
        let mut count = 0;
        for (ClaimedRow { transaction, event, planned, attempt, is_replay }, slot) in
            written.into_iter().zip(self.slots)
        {
            count += 1;
            let claimed = Claimed { planned, attempt, is_replay, slot };
            match works.iter_mut().find(|work| work.event.id == event.id) {
                Some(work) => work.deliveries.push(claimed),
                None => works.push(Work {
                    transaction: Arc::new(transaction),
                    event: Arc::new(event),
                    deliveries: vec![claimed],
                    span: Span::none(),
                }),
            }
        }
        works.into_iter().for_each(|work| set_up.outbox.hand_over(work));
        count
    }
}

async fn claim(
    session: &Session,
    times: Times,
    claim: &Claim,
    running: Vec<Uuid>,
    most: i64,
) -> Result<Vec<ClaimedRow>> {
    let sql = select_transaction!(
        ", e.id, e.transaction_id, e.transition, e.refund_amount, e.sender, e.rejection, e.created_at, \
         d.id, d.signal, d.receiver, d.attempts, d.is_replay FROM athm_delivery d \
         JOIN athm_event e ON e.id = d.event_id JOIN athm_transaction t ON t.id = e.transaction_id \
         WHERE d.state IN ('due', 'running') AND d.due_at <= $1 AND d.receiver = ANY ($2) AND d.id <> ALL ($3) \
         ORDER BY d.due_at, d.id LIMIT $4 FOR UPDATE OF d SKIP LOCKED"
    );
    let values = values![times.there(claim.now), claim.receivers.clone(), running, most];
    let rows = session.all(sql, values, |columns| {
        Ok((columns.transaction()?, columns.event()?, columns.planned()?, columns.attempts()?))
    });
    let rows = rows.await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let claimed: Vec<_> = rows.iter().map(|(_, _, planned, _)| *planned.id.as_uuid()).collect();
    let sql = "UPDATE athm_delivery SET state = 'running', attempts = attempts + 1, due_at = $2 WHERE id = ANY ($1)";
    session.execute(sql, values![claimed, times.there(claim.lease_until)]).await?;
    let (transactions, rest): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|(transaction, event, planned, attempts)| (transaction, (event, planned, attempts)))
        .unzip();
    let transactions = filled(session, transactions).await?;
    let rows = transactions.into_iter().zip(rest).map(|(transaction, (event, planned, (attempts, is_replay)))| {
        ClaimedRow { transaction, event, planned, attempt: attempts + 1, is_replay }
    });
    Ok(rows.collect())
}

/// What runs here, to be held on to.
struct Renewal {
    running: Vec<(DeliveryId, u32)>,
    until: Timestamp,
}

impl Request for Renewal {
    type Written = ();
    type Answer = ();

    fn about(&self) -> About {
        About::Everything
    }

    async fn execute(&self, turn: Turn<'_>) -> Result<()> {
        let sql = "UPDATE athm_delivery d SET due_at = $3 FROM unnest($1::uuid[], $2::integer[]) AS held (id, attempt) \
                   WHERE d.id = held.id AND d.attempts = held.attempt AND d.state = 'running'";
        let (ids, attempts): (Vec<_>, Vec<_>) =
            self.running.iter().map(|(id, attempt)| (*id.as_uuid(), integer(*attempt))).unzip();
        turn.session.execute(sql, values![ids, attempts, turn.times.there(self.until)]).await.map(drop)
    }

    fn committed(self, (): (), _: &SetUp) {}
}

impl Request for Ended {
    type Written = ();
    type Answer = ();

    fn about(&self) -> About {
        About::These(vec![self.id.to_string()])
    }

    async fn execute(&self, Turn { session, times, .. }: Turn<'_>) -> Result<()> {
        let Ended { id, attempt, at, end } = self;
        let (id, attempt, at) = (*id.as_uuid(), integer(*attempt), times.there(*at));
        let (sql, values) = match end {
            End::Succeeded => {
                let sql = "UPDATE athm_delivery SET state = 'succeeded', error = NULL, finished_at = $2 WHERE id = $1";
                (sql, values![id, at])
            }
            End::Failed { error, retry_at: Some(retry_at) } => {
                let sql = "UPDATE athm_delivery SET state = 'due', due_at = $3, error = $4 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, times.there(*retry_at), text(error)])
            }
            End::Failed { error, retry_at: None } => {
                let sql = "UPDATE athm_delivery SET state = 'dead', finished_at = $3, error = $4 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, at, text(error)])
            }
            End::Unstarted => {
                let sql = "UPDATE athm_delivery SET state = 'due', due_at = $3, attempts = attempts - 1 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, at])
            }
            End::Abandoned => {
                let sql = "UPDATE athm_delivery SET state = 'due', due_at = $3 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, at])
            }
        };
        session.execute(sql, values).await.map(drop)
    }

    fn committed(self, (): (), _: &SetUp) {}
}

macro_rules! select_delivery {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.event_id, e.transaction_id, d.signal, d.receiver, d.state, d.attempts, d.is_replay, d.due_at, ",
            "d.error FROM athm_delivery d JOIN athm_event e ON e.id = d.event_id ",
            $rest
        )
    };
}

async fn deliveries(session: &Session, clock: &Clock, which: DeliveryQuery) -> Result<Vec<DeliveryRecord>> {
    let (sql, values) = match which {
        DeliveryQuery::One(id) => (select_delivery!("WHERE d.id = $1"), values![*id.as_uuid()]),
        DeliveryQuery::Dead => {
            (select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT $1"), values![SOME])
        }
        DeliveryQuery::Orphaned { due_before, receivers } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= $1 AND d.receiver <> ALL ($2) \
                 ORDER BY d.due_at, d.id LIMIT $3"
            );
            (sql, values![session.times(clock).await?.there(due_before), receivers, SOME])
        }
    };
    session.all(sql, values, |columns| columns.delivery()).await
}

impl Request for ReplayOf {
    type Written = std::result::Result<Vec<DeliveryRecord>, ReplayError>;
    type Answer = Self::Written;

    fn about(&self) -> About {
        About::Everything
    }

    async fn execute(&self, turn: Turn<'_>) -> Result<Self::Written> {
        let planned = match replay(turn.session, self, turn.times.there(self.now)).await {
            Ok(planned) => planned,
            Err(Unreplayed::Fault(fault)) => return Err(fault),
            Err(Unreplayed::Refused(error)) => return Ok(Err(error)),
        };
        // Nothing is written before all of it may be.
        if self.run == Run::Real {
            turn.session.execute_all(planned.iter().map(make_due).collect()).await?;
        }
        Ok(Ok(planned))
    }

    fn committed(self, replayed: Self::Written, _: &SetUp) -> Self::Answer {
        replayed
    }
}

enum Unreplayed {
    Fault(Fault),
    Refused(ReplayError),
}

impl From<Fault> for Unreplayed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ReplayError> for Unreplayed {
    fn from(error: ReplayError) -> Self {
        Self::Refused(error)
    }
}

/// The deliveries as they are to be.
async fn replay(
    session: &Session,
    of: &ReplayOf,
    now: Timestamp,
) -> std::result::Result<Vec<DeliveryRecord>, Unreplayed> {
    let again = |delivery| DeliveryRecord {
        state: DeliveryState::Due,
        attempts: 0,
        is_replay: true,
        due_at: now,
        error: None,
        ..delivery
    };
    match &of.what {
        What::Delivery(id) => {
            let sql = select_delivery!("WHERE d.id = $1 FOR UPDATE OF d");
            let found = session.one(sql, values![*id.as_uuid()], |columns| columns.delivery()).await?;
            let mut delivery = found.ok_or(ReplayError::NotFound)?;
            of.refuse(&delivery)?;
            if let Some((receiver, signals)) = of.to.clone().filter(|(receiver, _)| *receiver != delivery.receiver) {
                if !signals.contains(&delivery.signal) {
                    return Err(ReplayError::NotListening { receiver }.into());
                }
                if delivery_to(session, delivery.event_id, delivery.signal, &receiver).await?.is_some() {
                    return Err(ReplayError::AlreadyThere { receiver }.into());
                }
                delivery.receiver = receiver;
            }
            Ok(vec![again(delivery)])
        }
        What::Event(id) => {
            let (receiver, signals) = of.to.as_ref().ok_or(ReplayError::NotFound)?;
            let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                       FROM athm_event WHERE id = $1";
            let event = session.one(sql, values![*id.as_uuid()], |columns| columns.event()).await?;
            let event = event.ok_or(ReplayError::NotFound)?;
            let mut replayed = Vec::new();
            for signal in event.transition.signals().iter().filter(|signal| signals.contains(signal)) {
                let delivery = delivery_to(session, event.id, *signal, receiver).await?;
                if let Some(delivery) = &delivery {
                    of.refuse(delivery)?;
                }
                replayed.push(again(delivery.unwrap_or_else(|| DeliveryRecord {
                    id: DeliveryId::new(),
                    event_id: event.id,
                    transaction_id: event.transaction_id,
                    signal: *signal,
                    receiver: receiver.clone(),
                    state: DeliveryState::Due,
                    attempts: 0,
                    is_replay: true,
                    due_at: now,
                    error: None,
                })));
            }
            if replayed.is_empty() {
                return Err(ReplayError::NotListening { receiver: receiver.clone() }.into());
            }
            Ok(replayed)
        }
    }
}

async fn delivery_to(
    session: &Session,
    event: EventId,
    signal: Signal,
    receiver: &str,
) -> Result<Option<DeliveryRecord>> {
    let sql = select_delivery!("WHERE d.event_id = $1 AND d.signal = $2 AND d.receiver = $3 FOR UPDATE OF d");
    session.one(sql, values![*event.as_uuid(), signal.as_str(), receiver], |columns| columns.delivery()).await
}

/// Makes it due, or makes it.
fn make_due(delivery: &DeliveryRecord) -> (&'static str, Values<'static>) {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES ($1, $2, $3, $4, 'due', 0, true, $5, $5) \
               ON CONFLICT (id) DO UPDATE SET state = 'due', attempts = 0, is_replay = true, due_at = excluded.due_at, \
               receiver = excluded.receiver, error = NULL, finished_at = NULL";
    let DeliveryRecord { id, event_id, signal, receiver, due_at, .. } = delivery;
    (sql, values![*id.as_uuid(), *event_id.as_uuid(), signal.as_str(), receiver.clone(), *due_at])
}

// The inbox.

impl Request for Held {
    type Written = ();
    type Answer = ();

    fn about(&self) -> About {
        About::These(self.key.iter().map(ToString::to_string).collect())
    }

    async fn execute(&self, turn: Turn<'_>) -> Result<()> {
        // One more may wait for a payment that waits already or that is ours, however many wait.
        // Of two claims, that of an expiry is kept: it alone tells anything that the provider doesn't.
        let sql = "INSERT INTO athm_inbox AS kept \
                   (id, state, payment, kind, status, refunded, version, sender, body, reason, attempts, due_at, received_at) \
                   SELECT $1::uuid, $2::text, $3::text, $4::text, $5::text, $6::bigint, 0, $7::text, $8::text, $9::text, \
                   $10::integer, $11::timestamptz, $12::timestamptz WHERE $2::text <> 'pending' \
                   OR EXISTS (SELECT 1 FROM athm_inbox WHERE state = 'pending' AND payment = $3) \
                   OR EXISTS (SELECT 1 FROM athm_transaction WHERE (ecommerce_id = $13 OR reference_number = $14) \
                   AND (deadline IS NOT NULL OR verified)) \
                   OR (SELECT count(*) FROM athm_inbox WHERE state = 'pending') < $15 \
                   ON CONFLICT (payment) WHERE state = 'pending' DO UPDATE SET version = kept.version + 1, \
                   kind = CASE WHEN kept.kind = 'refund' THEN kept.kind ELSE coalesce(excluded.kind, kept.kind) END, \
                   refunded = nullif(greatest(coalesce(excluded.refunded, 0), coalesce(kept.refunded, 0)), 0), \
                   status = CASE WHEN kept.status = 'expired' THEN kept.status ELSE coalesce(excluded.status, kept.status) END, \
                   due_at = CASE WHEN excluded.attempts > kept.attempts THEN excluded.due_at \
                   ELSE least(kept.due_at, excluded.due_at) END, attempts = greatest(kept.attempts, excluded.attempts)";
        let (state, reason, attempts, due_at) = match &self.held_as {
            HeldAs::Pending { attempts, due_at } => ("pending", None, *attempts, Some(turn.times.there(*due_at))),
            HeldAs::Refused { reason } => ("refused", Some(reason), 0, None),
            HeldAs::Unmatched { reason } => ("unmatched", Some(reason), 0, None),
        };
        let (ticket, reference) = match &self.key {
            Some(PaymentKey::Ecommerce(id)) => (Some(*id.as_uuid()), None),
            Some(PaymentKey::Reference(reference)) => (None, Some(reference.as_str())),
            None => (None, None),
        };
        let values = values![
            self.id,
            state,
            self.key.as_ref().map(|key| text(&key.to_string())),
            self.kind.as_ref().map(|kind| text(&kind.to_string())),
            self.status.as_ref().map(|status| text(&status.to_string())),
            self.refunded.map(Amount::cents),
            text(self.sender.as_str()),
            text(&self.body),
            reason.map(|reason| text(reason)),
            integer(attempts),
            due_at,
            storable(self.received_at),
            ticket,
            reference,
            KEPT,
        ];
        if turn.session.execute(sql, values).await? == 0 {
            return Err(Fault::Refused(StoreError::InboxFull));
        }
        if state != "pending" {
            // The oldest makes room.
            let sql = "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox WHERE state = $1 \
                       ORDER BY received_at LIMIT 1 FOR UPDATE SKIP LOCKED) \
                       AND (SELECT count(*) FROM athm_inbox WHERE state = $1) > $2";
            turn.session.execute(sql, values![state, KEPT]).await?;
        }
        Ok(())
    }

    fn committed(self, (): (), _: &SetUp) {}
}

/// Drops what waits for a payment, if nothing has come since it was read.
struct Release {
    key: PaymentKey,
    version: i64,
}

impl Request for Release {
    type Written = ();
    type Answer = ();

    fn about(&self) -> About {
        About::These(vec![self.key.to_string()])
    }

    async fn execute(&self, turn: Turn<'_>) -> Result<()> {
        let sql = "DELETE FROM athm_inbox WHERE payment = $1 AND state = 'pending' AND version = $2";
        turn.session.execute(sql, values![text(&self.key.to_string()), self.version]).await.map(drop)
    }

    fn committed(self, (): (), _: &SetUp) {}
}

impl Request for Before {
    type Written = bool;
    type Answer = bool;

    fn about(&self) -> About {
        About::Everything
    }

    /// What another process is about to forget is left to it.
    async fn execute(&self, Turn { session, times, .. }: Turn<'_>) -> Result<bool> {
        let deliveries = times.there(self.deliveries);
        let forgotten = [
            (
                "UPDATE athm_transaction SET auth_token = NULL WHERE id IN (SELECT id FROM athm_transaction \
                 WHERE auth_token IS NOT NULL AND created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
                values![storable(self.tokens), SOME],
            ),
            (
                "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
                 WHERE state = 'succeeded' AND finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
                values![deliveries, SOME],
            ),
            (
                "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
                 WHERE state = 'dead' AND finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
                values![deliveries, SOME],
            ),
            (
                "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox \
                 WHERE state = 'refused' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
                values![storable(self.refused), SOME],
            ),
            (
                "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox \
                 WHERE state = 'unmatched' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
                values![storable(self.unmatched), SOME],
            ),
        ];
        let mut has_more = false;
        for (sql, values) in forgotten {
            has_more |= session.execute(sql, values).await? >= SOME.unsigned_abs();
        }
        Ok(has_more)
    }

    fn committed(self, has_more: bool, _: &SetUp) -> bool {
        has_more
    }
}

// Looking up.

async fn by_id(session: &Session, id: TransactionId) -> Result<Vec<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = $1");
    session.all(sql, values![*id.as_uuid()], |columns| columns.transaction()).await
}

async fn list(session: &Session, query: &TransactionQuery) -> Result<Page> {
    let of_all = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= coalesce($1, '-infinity'::timestamptz) \
         AND t.created_at < coalesce($2, 'infinity'::timestamptz) \
         AND (t.created_at, t.id) < (coalesce($3, 'infinity'::timestamptz), $4) \
         ORDER BY t.created_at DESC, t.id DESC LIMIT $5"
    );
    let of_status = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= coalesce($1, '-infinity'::timestamptz) \
         AND t.created_at < coalesce($2, 'infinity'::timestamptz) \
         AND (t.created_at, t.id) < (coalesce($3, 'infinity'::timestamptz), $4) \
         AND t.status = $6 ORDER BY t.created_at DESC, t.id DESC LIMIT $5"
    );
    let (since, until) = (query.since.map(storable), query.until.map(storable));
    let after = query.after.map(|cursor| storable(cursor.created_at));
    let after_id = query.after.map_or(Uuid::max(), |cursor| *cursor.id.as_uuid());
    let size = query.page_size();
    let mut values = values![since, until, after, after_id, i64::from(size) + 1];
    let sql = match &query.status {
        None => of_all,
        Some(status) => {
            values.push(Box::new(text(&status.to_string())));
            of_status
        }
    };
    let found = session.all(sql, values, |columns| columns.transaction()).await?;
    Ok(Page::of(filled(session, found).await?, size))
}

/// With their items and their customers.
async fn filled(session: &Session, mut transactions: Vec<Transaction>) -> Result<Vec<Transaction>> {
    if transactions.is_empty() {
        return Ok(transactions);
    }
    let of = ids(&transactions);
    let sql = "SELECT transaction_id, name, description, quantity, price, tax, metadata, sku FROM athm_item \
               WHERE transaction_id = ANY ($1) ORDER BY transaction_id, position";
    let read = |columns: &mut Columns<'_>| Ok((columns.get::<Uuid>()?, columns.item()?));
    let items = session.all(sql, values![of.clone()], read);
    let sql = "SELECT transaction_id, name, phone, email, message FROM athm_customer WHERE transaction_id = ANY ($1)";
    let read = |columns: &mut Columns<'_>| Ok((columns.get::<Uuid>()?, columns.customer()?));
    let customers = session.all(sql, values![of], read);
    let (items, customers) = try_join(items, customers).await?;
    let mut items_of = HashMap::<_, Vec<_>>::new();
    for (of, item) in items {
        items_of.entry(of).or_default().push(item);
    }
    let customers: HashMap<_, _> = customers.into_iter().collect();
    for transaction in &mut transactions {
        let id = transaction.id.as_uuid();
        // A payment may be there several times, once for each of its deliveries.
        transaction.items = items_of.get(id).cloned().unwrap_or_default();
        transaction.customer = customers.get(id).cloned();
    }
    Ok(transactions)
}

// Values.

fn ids(transactions: &[Transaction]) -> Vec<Uuid> {
    transactions.iter().map(|transaction| *transaction.id.as_uuid()).collect()
}

/// PostgreSQL's text holds every character but U+0000.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn integer(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
