//! SQLite: all of its SQL, together with [`errands`], [`operations`] and [`refunds`].

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

mod errands;
mod operations;
mod refunds;

use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use futures_util::FutureExt;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, params};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;
use tracing::Span;
use uuid::Uuid;

use super::decide::{Stored, Write, needs_refunds};
use super::row::Columns;
use super::step::TWICE;
use super::writer::Writer;
use super::{
    Answer, Before, By, Claim, DeliveryQuery, Errand, Held, HeldAs, Likeness, NextTurn, Page, PaymentKey, Record,
    Recorded, RefundQuery, SetUp, Store, StoreError, TransactionQuery,
};
use crate::clock::later;
use crate::delivery::{
    Claimed, DeliveryRecord, DeliveryState, End, Ended, LEASE, Planned, ReplayError, ReplayOf, Run, Slot, What, Work,
};
use crate::operations::{Beginning, Begun, Conclusion, Unsettled};
use crate::transaction::Transition;
use crate::{
    Amount, Customer, DeliveryId, EcommerceId, Event, EventId, ReferenceNumber, RefundId, RefundRecord, Signal,
    Transaction, TransactionId,
};

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/sqlite/0001_payments.sql"),
    include_str!("migrations/sqlite/0002_intents.sql"),
    include_str!("migrations/sqlite/0003_refunds.sql"),
    include_str!("migrations/sqlite/0004_errands.sql"),
];
/// How long a statement waits for a lock that another connection holds.
const PATIENCE: Duration = Duration::from_secs(5);
const STATEMENTS: usize = 64;
/// How many messages may wait, and how many refused and unmatched ones are kept: the newest.
const KEPT: u32 = 10_000;
/// How many rows are forgotten at once, and how many deliveries are shown.
const SOME: u32 = 1_000;
/// How many waiting messages are read at once.
const DUE: u32 = 64;

/// A database file: one thread that writes, one that reads.
pub(super) struct Sqlite {
    writer: Writer,
    reader: Mutex<Option<std::sync::mpsc::Sender<Read>>>,
    set_up: Arc<SetUp>,
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

impl Sqlite {
    pub(super) fn open(path: &str, set_up: SetUp) -> Result<Self, StoreError> {
        if path.is_empty() || path.contains([':', '?']) {
            return Err(StoreError::Address { found: format!("sqlite://{path}") });
        }
        let lock = lock(path)?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        migrate(&mut connection, set_up.clock.now())?;
        // Nobody else has the file: whoever ran these is gone.
        execute(&connection, "UPDATE athm_delivery SET due_at = 0 WHERE state = 'running'", [])?;
        execute(&connection, "UPDATE athm_inbox SET due_at = 0 WHERE state = 'pending'", [])?;
        operations::end_all(&connection, set_up.clock.steady())?;
        let reader =
            read_on_a_thread(connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?).map_err(StoreError::database)?;
        let writer = Writer::start(connection, set_up.batching, lock).map_err(StoreError::database)?;
        Ok(Self { writer, reader: Mutex::new(Some(reader)), set_up: Arc::new(set_up) })
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let read: Read = Box::new(move |connection| drop(sender.send(work(connection).map_err(StoreError::from))));
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = reader.as_ref().is_some_and(|reader| reader.send(read).is_ok());
        async move {
            if !sent {
                return Err(StoreError::Closed);
            }
            receiver.await.unwrap_or(Err(StoreError::Panicked))
        }
        .boxed()
    }
}

impl Store for Sqlite {
    fn record(&self, record: Record) -> Answer<'_, Recorded> {
        let (set_up, span) = (Arc::clone(&self.set_up), Span::current());
        let outbox = set_up.outbox.clone();
        let committed = move |(recorded, works): (Recorded, Vec<Work>)| {
            works.into_iter().for_each(|work| outbox.hand_over(work));
            recorded
        };
        self.writer.write(move |connection| record_one(connection, &set_up, &record, &span), committed)
    }

    fn claim(&self, claim: Claim) -> Answer<'_, usize> {
        let (outbox, running) = (self.set_up.outbox.clone(), self.set_up.outbox.clone());
        let committed = move |works: Vec<Work>| {
            let claimed = works.iter().map(|work| work.deliveries.len()).sum();
            works.into_iter().for_each(|work| outbox.hand_over(work));
            claimed
        };
        self.writer.write(move |connection| Ok(claim_due(connection, claim, &running.running())?), committed)
    }

    fn has_due(&self, now: Timestamp, receivers: Vec<String>) -> Answer<'_, bool> {
        self.read(move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM athm_delivery WHERE state IN ('due', 'running') AND due_at <= ?1 \
                       AND receiver IN (SELECT value FROM json_each(?2)))";
            connection.prepare_cached(sql)?.query_row(params![now.as_microsecond(), json(&receivers)], |row| row.get(0))
        })
    }

    fn renew(&self, running: Vec<(DeliveryId, u32)>, until: Timestamp) -> Answer<'_, ()> {
        self.writer.write_lazily(move |connection| {
            let sql = "UPDATE athm_delivery SET due_at = ?3 WHERE id = ?1 AND attempts = ?2 AND state = 'running'";
            let until = until.as_microsecond();
            let mut each = running.iter();
            Ok(each.try_for_each(|(id, attempt)| execute(connection, sql, params![id.as_uuid(), attempt, until]))?)
        })
    }

    fn acknowledge(&self, ended: Ended) -> Answer<'_, ()> {
        self.writer.write_lazily(move |connection| Ok(acknowledge(connection, &ended)?))
    }

    fn deliveries(&self, which: DeliveryQuery) -> Answer<'_, Vec<DeliveryRecord>> {
        self.read(move |connection| deliveries(connection, &which))
    }

    fn replay(&self, of: ReplayOf) -> Answer<'_, Result<Vec<DeliveryRecord>, ReplayError>> {
        let work = move |connection: &Connection| match replay(connection, &of) {
            Err(ReplayError::Store(error)) => Err(error),
            replayed => Ok(replayed),
        };
        self.writer.write(work, |replayed| replayed)
    }

    fn hold(&self, held: Held) -> Answer<'_, ()> {
        self.writer.write(move |connection| hold(connection, &held), |()| ())
    }

    fn release(&self, key: PaymentKey, version: i64) -> Answer<'_, ()> {
        self.writer.write_lazily(move |connection| {
            let sql = "DELETE FROM athm_inbox WHERE payment = ?1 AND state = 'pending' AND version = ?2";
            Ok(execute(connection, sql, params![key.to_string(), version])?)
        })
    }

    fn tidy(&self, before: Before) -> Answer<'_, bool> {
        self.writer.write_lazily(move |connection| Ok(tidy(connection, before)?))
    }

    fn due(&self, now: Timestamp) -> Answer<'_, Vec<Held>> {
        self.read(move |connection| {
            let sql = "SELECT id, payment, kind, status, refunded, version, sender, body, attempts, due_at, received_at FROM athm_inbox \
                       WHERE state = 'pending' AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
            all(connection, sql, params![now.as_microsecond(), DUE], |columns| columns.pending())
        })
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.read(|connection| {
            let sql = "SELECT min(due_at) FROM athm_inbox WHERE state = 'pending'";
            Ok(one(connection, sql, [], |columns| columns.maybe_time())?.flatten())
        })
    }

    fn find(&self, by: By) -> Answer<'_, Option<Transaction>> {
        self.read(move |connection| match by {
            By::Id(id) => by_id(connection, id),
            By::Payment(key) => {
                let (ecommerce_id, reference) = match &key {
                    PaymentKey::Ecommerce(id) => (Some(*id.as_uuid()), None),
                    PaymentKey::Reference(reference) => (None, Some(reference.as_str())),
                };
                Ok(by_names(connection, ecommerce_id, reference)?.pop())
            }
        })
    }

    fn begin(&self, beginning: Beginning) -> Answer<'_, Begun> {
        self.writer.write(move |connection| Ok(operations::begin(connection, &beginning)?), |begun| begun)
    }

    fn conclude(&self, conclusion: Conclusion) -> Answer<'_, ()> {
        self.writer.write_lazily(move |connection| Ok(operations::conclude(connection, conclusion)?))
    }

    fn unsettled(&self, now: Timestamp) -> Answer<'_, Vec<Unsettled>> {
        self.writer.write(move |connection| Ok(operations::unsettled(connection, now)?), |unsettled| unsettled)
    }

    fn refunds(&self, which: RefundQuery) -> Answer<'_, Vec<RefundRecord>> {
        self.read(move |connection| refunds::refunds(connection, &which))
    }

    fn paid_by(&self, customer: Customer, amount: Amount) -> Answer<'_, Vec<Transaction>> {
        self.read(move |connection| refunds::paid_by(connection, &customer, amount))
    }

    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> Answer<'_, bool> {
        self.writer.write(move |connection| Ok(refunds::give_up(connection, id, now)?), |was_open| was_open)
    }

    fn next_unsettled(&self) -> Answer<'_, Option<Timestamp>> {
        self.read(operations::next_unsettled)
    }

    fn errands(&self, now: Timestamp, until: Timestamp) -> Answer<'_, Vec<Errand>> {
        self.writer.write(move |connection| Ok(errands::take(connection, now, until)?), |errands| errands)
    }

    fn next_turn(&self, next: NextTurn) -> Answer<'_, ()> {
        self.writer.write_lazily(move |connection| Ok(errands::next_turn(connection, &next)?))
    }

    fn next_errand(&self) -> Answer<'_, Option<Timestamp>> {
        self.read(errands::next)
    }

    fn open_alike(&self, like: Likeness) -> Answer<'_, Vec<EcommerceId>> {
        self.read(move |connection| errands::open_alike(connection, &like))
    }

    fn list(&self, query: TransactionQuery) -> Answer<'_, Page> {
        self.read(move |connection| list(connection, &query))
    }

    fn events(&self, id: TransactionId) -> Answer<'_, Vec<Event>> {
        self.read(move |connection| {
            let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                       FROM athm_event WHERE transaction_id = ?1 ORDER BY created_at, id";
            all(connection, sql, [id.as_uuid()], |columns| columns.event())
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        let reads =
            self.read(|connection| connection.query_row("SELECT 1 FROM athm_migration LIMIT 1", [], |_| Ok(())));
        // An empty write costs no commit, and tells that others would get theirs.
        let writes = self.writer.write(|_| Ok(()), |()| ());
        async move {
            reads.await?;
            writes.await
        }
        .boxed()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.writer.close()
    }
}

// Opening.

/// Keeps other processes out for as long as the file is held.
fn lock(path: &str) -> Result<File, StoreError> {
    let file = File::create(format!("{path}.lock")).map_err(|error| unusable(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unusable(path, error)),
    }
}

fn unusable(path: &str, error: io::Error) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), source: Arc::new(error) }
}

fn connect(path: &str, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(Path::new(path), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Brings the tables up to date, as one step: forward only.
fn migrate(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS athm_migration (version INTEGER NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT",
    )?;
    let sql = "SELECT coalesce(max(version), 0) FROM athm_migration";
    let found: u32 = transaction.query_row(sql, [], |row| row.get(0))?;
    let newest = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > newest {
        return Err(StoreError::Newer { found, known: newest });
    }
    for (version, migration) in (1_u32..).zip(MIGRATIONS).skip(found as usize) {
        transaction.execute_batch(migration)?;
        let sql = "INSERT INTO athm_migration (version, applied_at) VALUES (?1, ?2)";
        transaction.execute(sql, params![version, now.as_microsecond()])?;
    }
    Ok(transaction.commit()?)
}

fn read_on_a_thread(connection: Connection) -> io::Result<std::sync::mpsc::Sender<Read>> {
    let (sender, receiver) = std::sync::mpsc::channel::<Read>();
    thread::Builder::new().name(String::from("athm-reader")).spawn(move || {
        for read in receiver {
            // Whoever asked gets no answer; all others still do.
            let _ = catch_unwind(AssertUnwindSafe(|| read(&connection)));
        }
    })?;
    Ok(sender)
}

// Recording.

fn record_one(
    connection: &Connection,
    set_up: &SetUp,
    record: &Record,
    span: &Span,
) -> Result<(Recorded, Vec<Work>), StoreError> {
    let observed = &record.observed;
    let ecommerce_id = observed.ecommerce_id.map(|id| *id.as_uuid());
    let reference = observed.reference_number.as_ref().map(ReferenceNumber::as_str);
    let rows = by_names(connection, ecommerce_id, reference)?;
    let needs_refunds = needs_refunds(rows.iter(), record);
    let rows = rows.into_iter().map(|transaction| stored(connection, transaction, needs_refunds));
    let decision = set_up.policy.decide(rows.collect::<rusqlite::Result<_>>()?, record)?;
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
    errands::plan(connection, transaction.id, decision.errand, set_up.clock.steady())?;
    let planned = decision.events.iter().map(|(_, deliveries)| deliveries.len()).sum();
    let mut slots = set_up.outbox.slots(planned).into_iter();
    let shared = Arc::new(transaction.clone());
    let mut recorded = Recorded { transaction, events: Vec::new() };
    let mut works = Vec::new();
    for (event, deliveries) in decision.events {
        insert_event(connection, &event)?;
        recorded.events.push(event.clone());
        let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
        let deliveries = insert_deliveries(connection, &event, deliveries, &mut slots, set_up.clock.steady())?;
        works.push(Work { transaction, event, deliveries, span });
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

fn insert(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = "INSERT INTO athm_transaction (id, created_at, kind, status, ecommerce_id, reference_number, \
               daily_transaction_id, total, subtotal, tax, fee, net_amount, refunded_amount, metadata_1, metadata_2, \
               date, deadline, verified, updated_at) \
               VALUES (?1, ?19, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    write_row(connection, sql, transaction)?;
    write_belongings(connection, transaction)
}

fn update(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_transaction SET kind = ?2, status = ?3, ecommerce_id = ?4, reference_number = ?5, \
               daily_transaction_id = ?6, total = ?7, subtotal = ?8, tax = ?9, fee = ?10, net_amount = ?11, \
               refunded_amount = ?12, metadata_1 = ?13, metadata_2 = ?14, date = ?15, deadline = ?16, verified = ?17, \
               updated_at = ?18, created_at = ?19 WHERE id = ?1";
    write_row(connection, sql, transaction)?;
    execute(connection, "DELETE FROM athm_item WHERE transaction_id = ?1", [transaction.id.as_uuid()])?;
    execute(connection, "DELETE FROM athm_customer WHERE transaction_id = ?1", [transaction.id.as_uuid()])?;
    write_belongings(connection, transaction)
}

fn write_row(connection: &Connection, sql: &str, transaction: &Transaction) -> rusqlite::Result<()> {
    let t = transaction;
    let values = params![
        t.id.as_uuid(),
        t.kind.to_string(),
        t.status.to_string(),
        t.ecommerce_id.map(|id| *id.as_uuid()),
        t.reference_number.as_ref().map(ReferenceNumber::as_str),
        t.daily_transaction_id,
        t.total.cents(),
        t.subtotal.cents(),
        t.tax.cents(),
        t.fee.cents(),
        t.net_amount.cents(),
        t.refunded_amount.cents(),
        t.metadata_1,
        t.metadata_2,
        t.date.map(Timestamp::as_microsecond),
        t.deadline.map(Timestamp::as_microsecond),
        t.verified,
        t.updated_at.as_microsecond(),
        t.created_at.as_microsecond(),
    ];
    execute(connection, sql, values)
}

fn write_belongings(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let id = transaction.id.as_uuid();
    for (position, item) in (0_u32..).zip(&transaction.items) {
        let sql = "INSERT INTO athm_item (transaction_id, position, name, description, quantity, price, tax, metadata, sku) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let (price, tax) = (item.price.cents(), item.tax.cents());
        let values =
            params![id, position, item.name, item.description, item.quantity, price, tax, item.metadata, item.sku];
        execute(connection, sql, values)?;
    }
    if let Some(Customer { name, phone, email, message }) = &transaction.customer {
        let sql = "INSERT INTO athm_customer (transaction_id, name, phone, email, message) VALUES (?1, ?2, ?3, ?4, ?5)";
        execute(connection, sql, params![id, name, phone, email, message])?;
    }
    Ok(())
}

/// What belonged to one row belongs to the other, and the one is gone.
fn merge(connection: &Connection, from: TransactionId, to: TransactionId) -> rusqlite::Result<()> {
    refunds::part_with(connection, from, to)?;
    let (from, to) = (from.as_uuid(), to.as_uuid());
    let sql = "UPDATE athm_event SET transaction_id = ?2, transition = CASE \
               WHEN transition IN (SELECT transition FROM athm_event WHERE transaction_id = ?2) \
               THEN transition || ?3 || hex(id) ELSE transition END WHERE transaction_id = ?1";
    execute(connection, sql, params![from, to, TWICE])?;
    // Its items and its customer are in the payment that is written next.
    execute(connection, "DELETE FROM athm_item WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_customer WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_errand WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_transaction WHERE id = ?1", [from])
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
    deliveries: Vec<Planned>,
    slots: &mut impl Iterator<Item = Slot>,
    now: Timestamp,
) -> rusqlite::Result<Vec<Claimed>> {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8)";
    let mut claimed = Vec::new();
    for planned in deliveries {
        let slot = slots.next();
        let (state, attempt, due_at) = if slot.is_some() { ("running", 1, later(now, LEASE)) } else { ("due", 0, now) };
        let Planned { id, signal, receiver } = &planned;
        let (due_at, created_at) = (due_at.as_microsecond(), event.created_at.as_microsecond());
        let (id, event_id) = (id.as_uuid(), event.id.as_uuid());
        execute(connection, sql, params![id, event_id, signal.as_str(), receiver, state, attempt, due_at, created_at])?;
        claimed.extend(slot.map(|slot| Claimed { planned, attempt, is_replay: false, slot }));
    }
    Ok(claimed)
}

// Deliveries.

fn claim_due(connection: &Connection, claim: Claim, running: &[DeliveryId]) -> rusqlite::Result<Vec<Work>> {
    let sql = select_transaction!(
        ", e.id, e.transaction_id, e.transition, e.refund_amount, e.sender, e.rejection, e.created_at, \
         d.id, d.signal, d.receiver, d.attempts, d.is_replay FROM athm_delivery d \
         JOIN athm_event e ON e.id = d.event_id JOIN athm_transaction t ON t.id = e.transaction_id \
         WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 AND d.receiver IN (SELECT value FROM json_each(?2)) \
         AND hex(d.id) NOT IN (SELECT value FROM json_each(?3)) ORDER BY d.due_at, d.id LIMIT ?4"
    );
    let running: Vec<String> = running.iter().map(|id| format!("{:X}", id.as_uuid().simple())).collect();
    let most = i64::try_from(claim.slots.len()).unwrap_or(i64::MAX);
    let values = params![claim.now.as_microsecond(), json(&claim.receivers), json(&running), most];
    let rows = all(connection, sql, values, |columns| {
        Ok((columns.transaction()?, columns.event()?, columns.planned()?, columns.attempts()?))
    })?;
    let mut works = Vec::<Work>::new();
    for ((transaction, event, planned, (attempts, is_replay)), slot) in rows.into_iter().zip(claim.slots) {
        let sql = "UPDATE athm_delivery SET state = 'running', attempts = attempts + 1, due_at = ?2 WHERE id = ?1";
        execute(connection, sql, params![planned.id.as_uuid(), claim.lease_until.as_microsecond()])?;
        let claimed = Claimed { planned, attempt: attempts + 1, is_replay, slot };
        match works.iter_mut().find(|work| work.event.id == event.id) {
            Some(work) => work.deliveries.push(claimed),
            None => works.push(Work {
                transaction: Arc::new(filled(connection, transaction)?),
                event: Arc::new(event),
                deliveries: vec![claimed],
                span: Span::none(),
            }),
        }
    }
    Ok(works)
}

fn acknowledge(connection: &Connection, ended: &Ended) -> rusqlite::Result<()> {
    let Ended { id, attempt, at, end } = ended;
    let (id, at) = (id.as_uuid(), at.as_microsecond());
    let sql = match end {
        End::Succeeded => {
            let sql = "UPDATE athm_delivery SET state = 'succeeded', error = NULL, finished_at = ?2 WHERE id = ?1";
            return execute(connection, sql, params![id, at]);
        }
        End::Failed { error, retry_at: Some(retry_at) } => {
            let sql = "UPDATE athm_delivery SET state = 'due', due_at = ?3, error = ?4 \
                       WHERE id = ?1 AND attempts = ?2 AND state = 'running'";
            return execute(connection, sql, params![id, attempt, retry_at.as_microsecond(), error]);
        }
        End::Failed { error, retry_at: None } => {
            let sql = "UPDATE athm_delivery SET state = 'dead', finished_at = ?3, error = ?4 \
                       WHERE id = ?1 AND attempts = ?2 AND state = 'running'";
            return execute(connection, sql, params![id, attempt, at, error]);
        }
        End::Unstarted => {
            "UPDATE athm_delivery SET state = 'due', due_at = ?3, attempts = attempts - 1 \
             WHERE id = ?1 AND attempts = ?2 AND state = 'running'"
        }
        End::Abandoned => {
            "UPDATE athm_delivery SET state = 'due', due_at = ?3 WHERE id = ?1 AND attempts = ?2 AND state = 'running'"
        }
    };
    execute(connection, sql, params![id, attempt, at])
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

fn deliveries(connection: &Connection, which: &DeliveryQuery) -> rusqlite::Result<Vec<DeliveryRecord>> {
    let read = |columns: &mut Columns<'_>| columns.delivery();
    match which {
        DeliveryQuery::One(id) => all(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], read),
        DeliveryQuery::Dead => {
            let sql = select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT ?1");
            all(connection, sql, [SOME], read)
        }
        DeliveryQuery::Orphaned { due_before, receivers } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 \
                 AND d.receiver NOT IN (SELECT value FROM json_each(?2)) ORDER BY d.due_at, d.id LIMIT ?3"
            );
            all(connection, sql, params![due_before.as_microsecond(), json(receivers), SOME], read)
        }
    }
}

fn replay(connection: &Connection, of: &ReplayOf) -> Result<Vec<DeliveryRecord>, ReplayError> {
    match &of.what {
        What::Delivery(id) => {
            let found =
                one(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], |columns| columns.delivery())?;
            let mut delivery = found.ok_or(ReplayError::NotFound)?;
            of.refuse(&delivery)?;
            if let Some((receiver, signals)) = of.to.clone().filter(|(receiver, _)| *receiver != delivery.receiver) {
                if !signals.contains(&delivery.signal) {
                    return Err(ReplayError::NotListening { receiver });
                }
                if delivery_to(connection, delivery.event_id, delivery.signal, &receiver)?.is_some() {
                    return Err(ReplayError::AlreadyThere { receiver });
                }
                delivery.receiver = receiver;
            }
            Ok(vec![make_due(connection, delivery, of)?])
        }
        What::Event(id) => {
            let (receiver, signals) = of.to.as_ref().ok_or(ReplayError::NotFound)?;
            let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                       FROM athm_event WHERE id = ?1";
            let event =
                one(connection, sql, [id.as_uuid()], |columns| columns.event())?.ok_or(ReplayError::NotFound)?;
            let heard = event.transition.signals().iter().filter(|signal| signals.contains(signal));
            let replayed = heard.map(|signal| replay_signal(connection, &event, *signal, receiver, of));
            let replayed: Vec<_> = replayed.collect::<Result<_, _>>()?;
            if replayed.is_empty() {
                Err(ReplayError::NotListening { receiver: receiver.clone() })
            } else {
                Ok(replayed)
            }
        }
    }
}

fn replay_signal(
    connection: &Connection,
    event: &Event,
    signal: Signal,
    receiver: &str,
    of: &ReplayOf,
) -> Result<DeliveryRecord, ReplayError> {
    if let Some(delivery) = delivery_to(connection, event.id, signal, receiver)? {
        of.refuse(&delivery)?;
        return Ok(make_due(connection, delivery, of)?);
    }
    let delivery = DeliveryRecord {
        id: DeliveryId::new(),
        event_id: event.id,
        transaction_id: event.transaction_id,
        signal,
        receiver: receiver.to_owned(),
        state: DeliveryState::Due,
        attempts: 0,
        is_replay: true,
        due_at: of.now,
        error: None,
    };
    if of.run == Run::Real {
        let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
                   VALUES (?1, ?2, ?3, ?4, 'due', 0, 1, ?5, ?5)";
        let (id, event_id) = (delivery.id.as_uuid(), event.id.as_uuid());
        execute(connection, sql, params![id, event_id, signal.as_str(), receiver, of.now.as_microsecond()])?;
    }
    Ok(delivery)
}

fn delivery_to(
    connection: &Connection,
    event: EventId,
    signal: Signal,
    receiver: &str,
) -> rusqlite::Result<Option<DeliveryRecord>> {
    let sql = select_delivery!("WHERE d.event_id = ?1 AND d.signal = ?2 AND d.receiver = ?3");
    one(connection, sql, params![event.as_uuid(), signal.as_str(), receiver], |columns| columns.delivery())
}

fn make_due(connection: &Connection, delivery: DeliveryRecord, of: &ReplayOf) -> rusqlite::Result<DeliveryRecord> {
    if of.run == Run::Real {
        let sql = "UPDATE athm_delivery SET state = 'due', attempts = 0, is_replay = 1, due_at = ?2, receiver = ?3, \
                   error = NULL, finished_at = NULL WHERE id = ?1";
        execute(connection, sql, params![delivery.id.as_uuid(), of.now.as_microsecond(), delivery.receiver])?;
    }
    let (state, error) = (DeliveryState::Due, None);
    Ok(DeliveryRecord { state, attempts: 0, is_replay: true, due_at: of.now, error, ..delivery })
}

// The inbox.

fn hold(connection: &Connection, held: &Held) -> Result<(), StoreError> {
    if matches!(held.held_as, HeldAs::Pending { .. }) && !has_room(connection, held)? {
        return Err(StoreError::InboxFull);
    }
    // Of two claims, that of an expiry is kept: it alone tells anything that the provider doesn't.
    let sql = "INSERT INTO athm_inbox (id, state, payment, kind, status, refunded, version, sender, body, reason, attempts, due_at, received_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?12, 0, ?6, ?7, ?8, ?9, ?10, ?11) \
               ON CONFLICT (payment) WHERE state = 'pending' DO UPDATE SET version = version + 1, \
               kind = CASE WHEN kind = 'refund' THEN kind ELSE coalesce(excluded.kind, kind) END, \
               refunded = nullif(max(coalesce(excluded.refunded, 0), coalesce(refunded, 0)), 0), \
               status = CASE WHEN status = 'expired' THEN status ELSE coalesce(excluded.status, status) END, \
               due_at = CASE WHEN excluded.attempts > attempts THEN excluded.due_at ELSE min(due_at, excluded.due_at) END, \
               attempts = max(attempts, excluded.attempts)";
    let (state, reason, attempts, due_at) = match &held.held_as {
        HeldAs::Pending { attempts, due_at } => ("pending", None, *attempts, Some(due_at.as_microsecond())),
        HeldAs::Refused { reason } => ("refused", Some(reason), 0, None),
        HeldAs::Unmatched { reason } => ("unmatched", Some(reason), 0, None),
    };
    let values = params![
        held.id,
        state,
        held.key.as_ref().map(ToString::to_string),
        held.kind.as_ref().map(ToString::to_string),
        held.status.as_ref().map(ToString::to_string),
        held.sender.as_str(),
        held.body,
        reason,
        attempts,
        due_at,
        held.received_at.as_microsecond(),
        held.refunded.map(Amount::cents),
    ];
    execute(connection, sql, values)?;
    if state != "pending" {
        // The oldest makes room.
        let sql = "DELETE FROM athm_inbox WHERE id = (SELECT id FROM athm_inbox WHERE state = ?1 ORDER BY received_at LIMIT 1) \
                   AND (SELECT count(*) FROM athm_inbox WHERE state = ?1) > ?2";
        execute(connection, sql, params![state, KEPT])?;
    }
    Ok(())
}

/// Whether one more may wait: one for a payment that waits already or that we opened always may.
fn has_room(connection: &Connection, held: &Held) -> rusqlite::Result<bool> {
    let (ticket, reference) = match &held.key {
        Some(PaymentKey::Ecommerce(id)) => (Some(*id.as_uuid()), None),
        Some(PaymentKey::Reference(reference)) => (None, Some(reference.as_str())),
        None => (None, None),
    };
    let sql = "SELECT EXISTS (SELECT 1 FROM athm_inbox WHERE state = 'pending' AND payment = ?1) \
               OR EXISTS (SELECT 1 FROM athm_transaction WHERE (ecommerce_id = ?2 OR reference_number = ?3) \
               AND (deadline IS NOT NULL OR verified)) \
               OR (SELECT count(*) FROM athm_inbox WHERE state = 'pending') < ?4";
    let key = held.key.as_ref().map(ToString::to_string);
    connection.prepare_cached(sql)?.query_row(params![key, ticket, reference, KEPT], |row| row.get(0))
}

fn tidy(connection: &Connection, before: Before) -> rusqlite::Result<bool> {
    let micros = Timestamp::as_microsecond;
    let forgotten = [
        (
            "UPDATE athm_transaction SET auth_token = NULL WHERE id IN (SELECT id FROM athm_transaction \
             WHERE auth_token IS NOT NULL AND created_at < ?1 LIMIT ?2)",
            params![micros(before.tokens), SOME],
        ),
        (
            "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
             WHERE state = 'succeeded' AND finished_at < ?1 LIMIT ?2)",
            params![micros(before.deliveries), SOME],
        ),
        (
            "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
             WHERE state = 'dead' AND finished_at < ?1 LIMIT ?2)",
            params![micros(before.deliveries), SOME],
        ),
        (
            "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox \
             WHERE state = 'refused' AND received_at < ?1 LIMIT ?2)",
            params![micros(before.refused), SOME],
        ),
        (
            "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox \
             WHERE state = 'unmatched' AND received_at < ?1 LIMIT ?2)",
            params![micros(before.unmatched), SOME],
        ),
    ];
    let mut has_more = false;
    for (sql, values) in forgotten {
        has_more |= connection.prepare_cached(sql)?.execute(values)? == SOME as usize;
    }
    Ok(has_more)
}

// Looking up.

fn by_id(connection: &Connection, id: TransactionId) -> rusqlite::Result<Option<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = ?1");
    let found = one(connection, sql, [id.as_uuid()], |columns| columns.transaction())?;
    found.map(|transaction| filled(connection, transaction)).transpose()
}

fn by_names(
    connection: &Connection,
    ecommerce_id: Option<Uuid>,
    reference: Option<&str>,
) -> rusqlite::Result<Vec<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = ?1 OR t.reference_number = ?2");
    let found = all(connection, sql, params![ecommerce_id, reference], |columns| columns.transaction())?;
    found.into_iter().map(|transaction| filled(connection, transaction)).collect()
}

fn list(connection: &Connection, query: &TransactionQuery) -> rusqlite::Result<Page> {
    let of_all = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= ?1 AND t.created_at < ?2 AND (t.created_at, t.id) < (?3, ?4) \
         ORDER BY t.created_at DESC, t.id DESC LIMIT ?5"
    );
    let of_status = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= ?1 AND t.created_at < ?2 AND (t.created_at, t.id) < (?3, ?4) \
         AND t.status = ?6 ORDER BY t.created_at DESC, t.id DESC LIMIT ?5"
    );
    let since = query.since.map_or(i64::MIN, Timestamp::as_microsecond);
    let until = query.until.map_or(i64::MAX, Timestamp::as_microsecond);
    let (after, after_id) = query
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (cursor.created_at.as_microsecond(), *cursor.id.as_uuid()));
    let size = query.page_size();
    let read = |columns: &mut Columns<'_>| columns.transaction();
    let found = match &query.status {
        None => all(connection, of_all, params![since, until, after, after_id, size + 1], read)?,
        Some(status) => {
            all(connection, of_status, params![since, until, after, after_id, size + 1, status.to_string()], read)?
        }
    };
    let filled = found.into_iter().map(|transaction| filled(connection, transaction));
    Ok(Page::of(filled.collect::<rusqlite::Result<_>>()?, size))
}

/// With its items and its customer.
fn filled(connection: &Connection, mut transaction: Transaction) -> rusqlite::Result<Transaction> {
    let id = transaction.id;
    let sql = "SELECT name, description, quantity, price, tax, metadata, sku FROM athm_item \
               WHERE transaction_id = ?1 ORDER BY position";
    transaction.items = all(connection, sql, [id.as_uuid()], |columns| columns.item())?;
    let sql = "SELECT name, phone, email, message FROM athm_customer WHERE transaction_id = ?1";
    transaction.customer = one(connection, sql, [id.as_uuid()], |columns| columns.customer())?;
    Ok(transaction)
}

// Statements, prepared once.

/// A list as one value, for `json_each`.
fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

fn execute(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut Columns<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(values, |row: &Row<'_>| read(&mut Columns::of(row)))?.collect()
}

fn one<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut Columns<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection.prepare_cached(sql)?.query_row(values, |row| read(&mut Columns::of(row))).optional()
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::database(error)
    }
}

impl From<rusqlite::Error> for ReplayError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests;
