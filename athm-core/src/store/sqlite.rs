//! SQLite: all of its SQL.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use futures_util::FutureExt;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, params};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::decide::{Stored, Write};
use super::row::Columns;
use super::writer::Writer;
use super::{
    Answer, By, Held, HeldAs, Page, PaymentKey, Policy, Record, Recorded, Store, StoreError, TransactionQuery,
};
use crate::delivery::{Ended, Outbox, Work};
use crate::transaction::Transition;
use crate::{Clock, Customer, Event, Transaction, TransactionId};

const MIGRATIONS: &[&str] = &[include_str!("migrations/sqlite/0001_payments.sql")];
/// How long a statement waits for a lock that another connection holds.
const PATIENCE: Duration = Duration::from_secs(5);
const STATEMENTS: usize = 64;
/// How many refused messages are kept, and how many unmatched ones: the newest.
const KEPT: u32 = 10_000;
/// How many waiting messages are read at once.
const DUE: u32 = 64;
/// What marks a step that two rows had both taken before they turned out to be one payment.
pub(super) const TWICE: &str = "#";

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

/// A database file: one thread that writes, one that reads.
pub(super) struct Sqlite {
    writer: Writer,
    reader: Mutex<Option<std::sync::mpsc::Sender<Read>>>,
    policy: Arc<Policy>,
    outbox: Outbox,
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

impl Sqlite {
    pub(super) fn open(path: &str, policy: Policy, outbox: Outbox, clock: &Clock) -> Result<Self, StoreError> {
        if path.is_empty() || path.contains([':', '?']) {
            return Err(StoreError::Address { found: format!("sqlite://{path}") });
        }
        let lock = lock(path)?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        migrate(&mut connection, clock.now())?;
        let reader =
            read_on_a_thread(connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?).map_err(StoreError::database)?;
        let writer = Writer::start(connection, lock).map_err(StoreError::database)?;
        Ok(Self { writer, reader: Mutex::new(Some(reader)), policy: Arc::new(policy), outbox })
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
            receiver.await.unwrap_or(Err(StoreError::Closed))
        }
        .boxed()
    }
}

impl Store for Sqlite {
    fn record(&self, record: Record) -> Answer<'_, Recorded> {
        let (policy, outbox) = (Arc::clone(&self.policy), self.outbox.clone());
        let committed = move |(transaction, works): (Transaction, Vec<Work>)| {
            let events = works.iter().map(|work| work.event.clone()).collect();
            works.into_iter().for_each(|work| outbox.hand_over(work));
            Recorded { transaction, events }
        };
        self.writer.write(move |connection| record_one(connection, &policy, &record), committed)
    }

    fn acknowledge(&self, ended: Vec<Ended>) -> Answer<'_, ()> {
        self.writer
            .write_surely(move |connection| Ok(ended.iter().try_for_each(|ended| acknowledge(connection, ended))?))
    }

    fn hold(&self, held: Held) -> Answer<'_, ()> {
        self.writer.write(move |connection| Ok(hold(connection, &held)?), |()| ())
    }

    fn release(&self, key: PaymentKey) -> Answer<'_, ()> {
        self.writer.write_surely(move |connection| Ok(release(connection, &key)?))
    }

    fn tidy(&self, tokens_before: Timestamp) -> Answer<'_, ()> {
        self.writer.write_surely(move |connection| Ok(tidy(connection, tokens_before)?))
    }

    fn unfinished(&self) -> Answer<'_, Vec<Work>> {
        self.read(unfinished)
    }

    fn due(&self, now: Timestamp) -> Answer<'_, Vec<Held>> {
        self.read(move |connection| {
            let sql = "SELECT id, payment, kind, status, sender, body, attempts, due_at, received_at FROM athm_inbox \
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

    fn ticket(&self, id: TransactionId) -> Answer<'_, Option<(Transaction, Option<SecretString>)>> {
        self.read(move |connection| {
            let Some(transaction) = by_id(connection, id)? else { return Ok(None) };
            let sql = "SELECT auth_token FROM athm_transaction WHERE id = ?1";
            let token: Option<String> = connection.query_row(sql, [id.as_uuid()], |row| row.get(0))?;
            Ok(Some((transaction, token.map(SecretString::from))))
        })
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
        self.read(|connection| connection.query_row("SELECT 1 FROM athm_migration LIMIT 1", [], |_| Ok(())))
    }

    fn close(&self) -> Answer<'_, ()> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.writer.close().boxed()
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
            read(&connection);
        }
    })?;
    Ok(sender)
}

// Recording.

fn record_one(
    connection: &Connection,
    policy: &Policy,
    record: &Record,
) -> Result<(Transaction, Vec<Work>), StoreError> {
    let observed = &record.observed;
    let ecommerce_id = observed.ecommerce_id.map(|id| *id.as_uuid());
    let reference = observed.reference_number.as_ref().map(crate::ReferenceNumber::as_str);
    let rows =
        by_names(connection, ecommerce_id, reference)?.into_iter().map(|transaction| stored(connection, transaction));
    let decision = policy.decide(rows.collect::<rusqlite::Result<_>>()?, record)?;
    let transaction = decision.transaction;
    if let Some(other) = decision.merged {
        merge(connection, other, transaction.id)?;
    }
    match decision.write {
        Write::Insert => insert(connection, &transaction)?,
        Write::Update => update(connection, &transaction)?,
        Write::Nothing => {}
    }
    if transaction.status.is_final() {
        settle(connection, &transaction)?;
    } else if let Some(token) = &record.auth_token {
        let sql = "UPDATE athm_transaction SET auth_token = ?2 WHERE id = ?1";
        execute(connection, sql, params![transaction.id.as_uuid(), token.expose_secret()])?;
    }
    for work in &decision.work {
        write_work(connection, work)?;
    }
    Ok((transaction, decision.work))
}

fn stored(connection: &Connection, transaction: Transaction) -> rusqlite::Result<Stored> {
    let sql = "SELECT transition FROM athm_event WHERE transaction_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let fired = statement.query_map([transaction.id.as_uuid()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(Stored { transaction, fired })
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
        t.reference_number.as_ref().map(crate::ReferenceNumber::as_str),
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
    let (from, to) = (from.as_uuid(), to.as_uuid());
    let sql = "UPDATE athm_event SET transaction_id = ?2, transition = CASE \
               WHEN transition IN (SELECT transition FROM athm_event WHERE transaction_id = ?2) \
               THEN transition || ?3 || hex(id) ELSE transition END WHERE transaction_id = ?1";
    execute(connection, sql, params![from, to, TWICE])?;
    // Its items and its customer are in the payment that is written next.
    execute(connection, "DELETE FROM athm_item WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_customer WHERE transaction_id = ?1", [from])?;
    execute(connection, "DELETE FROM athm_transaction WHERE id = ?1", [from])
}

/// An ended payment needs no secret, and nobody waits for the provider's word on it.
fn settle(connection: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_transaction SET auth_token = NULL WHERE id = ?1 AND auth_token IS NOT NULL";
    execute(connection, sql, [transaction.id.as_uuid()])?;
    let ticket = transaction.ecommerce_id.map(PaymentKey::Ecommerce);
    let reference = transaction.reference_number.clone().map(PaymentKey::Reference);
    [ticket, reference].iter().flatten().try_for_each(|key| release(connection, key))
}

fn write_work(connection: &Connection, work: &Work) -> rusqlite::Result<()> {
    let Event { id, transaction_id, transition, sender, rejection, created_at } = &work.event;
    let refund_amount = match transition {
        Transition::Refunded(refund) => Some(refund.amount.cents()),
        _ => None,
    };
    let created_at = created_at.as_microsecond();
    let sql = "INSERT INTO athm_event (id, transaction_id, transition, refund_amount, sender, rejection, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (event_id, transaction_id) = (id.as_uuid(), transaction_id.as_uuid());
    let values =
        params![event_id, transaction_id, transition.key(), refund_amount, sender.as_str(), rejection, created_at];
    execute(connection, sql, values)?;
    for delivery in &work.deliveries {
        let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, created_at) \
                   VALUES (?1, ?2, ?3, ?4, 'due', ?5)";
        let values = params![delivery.id.as_uuid(), event_id, delivery.signal.as_str(), delivery.receiver, created_at];
        execute(connection, sql, values)?;
    }
    Ok(())
}

// Deliveries.

fn acknowledge(connection: &Connection, ended: &Ended) -> rusqlite::Result<()> {
    let state = if ended.error.is_none() { "succeeded" } else { "dead" };
    let sql = "UPDATE athm_delivery SET state = ?2, error = ?3, finished_at = ?4 WHERE id = ?1";
    execute(connection, sql, params![ended.id.as_uuid(), state, ended.error, ended.at.as_microsecond()])
}

fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<Work>> {
    let sql = select_transaction!(
        ", e.id, e.transaction_id, e.transition, e.refund_amount, e.sender, e.rejection, e.created_at, \
         d.id, d.signal, d.receiver FROM athm_delivery d JOIN athm_event e ON e.id = d.event_id \
         JOIN athm_transaction t ON t.id = e.transaction_id WHERE d.state = 'due' ORDER BY e.created_at, e.id, d.id"
    );
    let rows = all(connection, sql, [], |columns| Ok((columns.transaction()?, columns.event()?, columns.delivery()?)))?;
    let mut works = Vec::<Work>::new();
    for (transaction, event, delivery) in rows {
        match works.last_mut().filter(|work| work.event.id == event.id) {
            Some(work) => work.deliveries.push(delivery),
            None => {
                let transaction = filled(connection, transaction)?;
                works.push(Work { transaction, event, deliveries: vec![delivery] });
            }
        }
    }
    Ok(works)
}

// The inbox.

fn hold(connection: &Connection, held: &Held) -> rusqlite::Result<()> {
    // Of two claims, that of an expiry is kept: it alone tells anything that the provider doesn't.
    let sql = "INSERT INTO athm_inbox (id, state, payment, kind, status, sender, body, reason, attempts, due_at, received_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
               ON CONFLICT (payment) WHERE state = 'pending' DO UPDATE SET \
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
    ];
    execute(connection, sql, values)
}

fn release(connection: &Connection, key: &PaymentKey) -> rusqlite::Result<()> {
    execute(connection, "DELETE FROM athm_inbox WHERE payment = ?1 AND state = 'pending'", [key.to_string()])
}

fn tidy(connection: &Connection, tokens_before: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_transaction SET auth_token = NULL WHERE auth_token IS NOT NULL AND created_at < ?1";
    execute(connection, sql, [tokens_before.as_microsecond()])?;
    for state in ["refused", "unmatched"] {
        let sql = "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox WHERE state = ?1 \
                   ORDER BY received_at DESC LIMIT -1 OFFSET ?2)";
        execute(connection, sql, params![state, KEPT])?;
    }
    Ok(())
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
