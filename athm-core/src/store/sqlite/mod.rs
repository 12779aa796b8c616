//! SQLite: all of its SQL.

mod claim;
mod deliveries;
mod find;
mod inbox;
mod open;
mod operations;
mod payment;
mod polls;
mod prune;
mod record;
mod refunds;
mod replay;
mod row;
mod running;
mod statement;
mod writer;

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use futures_util::FutureExt;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};
use tokio::sync::oneshot;
use tracing::Span;

use self::statement::{all, execute, json, one};
use self::writer::Writer;
use super::{
    Claim, DeliveryQuery, InboxMessage, MatchCriteria, Page, PaymentLookup, PollTask, Record, Recorded, RefundQuery,
    ReplayError, ReplayRequest, Reschedule, RetentionCutoffs, Store, StoreContext, StoreError, TransactionQuery,
};
use crate::models::{
    Amount, BeginOperation, BeginResult, Customer, DeliveryId, EcommerceId, Event, OperationResult, PaymentKey,
    RefundId, RefundRecord, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{Acknowledgement, DeliveryRecord, EventDeliveries};
use crate::store::StoreFuture;

/// How many rows are forgotten at once, and how many deliveries are shown.
const SOME: u32 = 1_000;
/// How many waiting messages, and how many unsettled calls, are taken at once.
const DUE: u32 = 64;

/// A database file: one thread that writes, one that reads.
pub(crate) struct Sqlite {
    writer: Writer,
    reader: Mutex<Option<mpsc::Sender<Read>>>,
    context: Arc<StoreContext>,
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

impl Sqlite {
    pub(crate) fn open(path: &str, context: StoreContext) -> Result<Self, StoreError> {
        // SQLite would take these for something else than a file, which would be gone with the program.
        if path.is_empty() || path.starts_with(':') || path.starts_with("file:") || path.contains('?') {
            let reason = format!("expected a file such as sqlite://athm.db, found \"sqlite://{path}\"");
            return Err(StoreError::Address { reason });
        }
        let lock = open::lock(path)?;
        let mut connection = open::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        open::migrate(&mut connection, context.clock.now())?;
        // Nobody else has the file: whoever ran these is gone.
        execute(&connection, "UPDATE athm_delivery SET due_at = 0 WHERE state = 'running'", [])?;
        execute(&connection, "UPDATE athm_inbox SET due_at = 0 WHERE state = 'pending'", [])?;
        operations::end_all(&connection, context.clock.steady())?;
        let reader = open::read_on_a_thread(open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
            .map_err(StoreError::database)?;
        let writer = Writer::start(connection, context.batching, lock).map_err(StoreError::database)?;
        Ok(Self { writer, reader: Mutex::new(Some(reader)), context: Arc::new(context) })
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
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
    fn record(&self, record: Record) -> StoreFuture<'_, Recorded> {
        let (context, span) = (Arc::clone(&self.context), Span::current());
        let outbox = context.outbox.clone();
        let committed = move |(recorded, works): (Recorded, Vec<EventDeliveries>)| {
            works.into_iter().for_each(|work| outbox.hand_over(work));
            recorded
        };
        self.writer.write(move |connection| record::record_one(connection, &context, &record, &span), committed)
    }

    fn claim(&self, mut claim: Claim) -> StoreFuture<'_, usize> {
        let (outbox, running) = (self.context.outbox.clone(), self.context.outbox.clone());
        let committed = move |works: Vec<EventDeliveries>| {
            let claimed = works.iter().map(|work| work.deliveries.len()).sum();
            works.into_iter().for_each(|work| outbox.hand_over(work));
            claimed
        };
        self.writer
            .write(move |connection| Ok(claim::claim_due(connection, &mut claim, &running.running())?), committed)
    }

    fn has_due(&self, now: Timestamp, runnable: Vec<String>) -> StoreFuture<'_, bool> {
        self.read(move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM athm_delivery WHERE state IN ('due', 'running') AND due_at <= ?1 \
                       AND signal || ':' || receiver IN (SELECT value FROM json_each(?2)))";
            connection.prepare_cached(sql)?.query_row(params![now.as_microsecond(), json(&runnable)], |row| row.get(0))
        })
    }

    fn renew(&self, running: Vec<(DeliveryId, u32)>, until: Timestamp) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(move |connection| {
            let sql = "UPDATE athm_delivery SET due_at = ?3 WHERE id = ?1 AND attempts = ?2 AND state = 'running'";
            let until = until.as_microsecond();
            let mut each = running.iter();
            Ok(each.try_for_each(|(id, attempt)| execute(connection, sql, params![id.as_uuid(), attempt, until]))?)
        })
    }

    fn acknowledge(&self, ended: Acknowledgement) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(move |connection| Ok(running::acknowledge(connection, &ended)?))
    }

    fn deliveries(&self, which: DeliveryQuery) -> StoreFuture<'_, Vec<DeliveryRecord>> {
        self.read(move |connection| deliveries::deliveries(connection, &which))
    }

    fn replay(&self, of: ReplayRequest) -> StoreFuture<'_, Result<Vec<DeliveryRecord>, ReplayError>> {
        let work = move |connection: &Connection| match replay::replay(connection, &of) {
            Err(ReplayError::Store(error)) => Err(error),
            replayed => Ok(replayed),
        };
        self.writer.write(work, |replayed| replayed)
    }

    fn hold(&self, held: InboxMessage) -> StoreFuture<'_, ()> {
        self.writer.write(move |connection| inbox::hold(connection, &held), |()| ())
    }

    fn release(&self, key: PaymentKey, version: i64) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(move |connection| {
            let sql = "DELETE FROM athm_inbox WHERE payment = ?1 AND state = 'pending' AND version = ?2";
            Ok(execute(connection, sql, params![key.to_string(), version])?)
        })
    }

    fn prune(&self, before: RetentionCutoffs) -> StoreFuture<'_, bool> {
        self.writer.write_lazily(move |connection| Ok(prune::prune(connection, before)?))
    }

    fn pending(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<InboxMessage>> {
        self.writer.write(move |connection| Ok(inbox::take(connection, now, until)?), |pending| pending)
    }

    fn next_due(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read(|connection| {
            let sql = "SELECT min(due_at) FROM athm_inbox WHERE state = 'pending'";
            Ok(one(connection, sql, [], |columns| columns.maybe_time())?.flatten())
        })
    }

    fn find(&self, by: PaymentLookup) -> StoreFuture<'_, Option<Transaction>> {
        self.read(move |connection| match by {
            PaymentLookup::Id(id) => find::by_id(connection, id),
            PaymentLookup::Payment(key) => {
                let (ecommerce_id, reference) = match &key {
                    PaymentKey::Ecommerce(id) => (Some(*id.as_uuid()), None),
                    PaymentKey::Reference(reference) => (None, Some(reference.as_str())),
                };
                Ok(find::by_names(connection, ecommerce_id, reference)?.pop())
            }
        })
    }

    fn begin(&self, beginning: BeginOperation) -> StoreFuture<'_, BeginResult> {
        self.writer.write(move |connection| Ok(operations::begin(connection, &beginning)?), |begun| begun)
    }

    fn finish_operation(&self, conclusion: OperationResult) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(move |connection| Ok(operations::finish_operation(connection, &conclusion)?))
    }

    fn unresolved(&self, now: Timestamp) -> StoreFuture<'_, Vec<UnresolvedOperation>> {
        self.writer.write(move |connection| Ok(operations::unresolved(connection, now)?), |unresolved| unresolved)
    }

    fn refunds(&self, which: RefundQuery) -> StoreFuture<'_, Vec<RefundRecord>> {
        self.read(move |connection| refunds::refunds(connection, &which))
    }

    fn paid_by(&self, customer: Customer, amount: Amount) -> StoreFuture<'_, Vec<Transaction>> {
        self.read(move |connection| refunds::paid_by(connection, &customer, amount))
    }

    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> StoreFuture<'_, bool> {
        self.writer.write(move |connection| Ok(refunds::give_up(connection, id, now)?), |was_open| was_open)
    }

    fn next_unresolved(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read(operations::next_unresolved)
    }

    fn polls(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<PollTask>> {
        self.writer.write(move |connection| Ok(polls::take(connection, now, until)?), |polls| polls)
    }

    fn reschedule(&self, next: Reschedule) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(move |connection| Ok(polls::reschedule(connection, &next)?))
    }

    fn next_poll(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read(polls::next)
    }

    fn find_open_matching(&self, like: MatchCriteria) -> StoreFuture<'_, Vec<EcommerceId>> {
        self.read(move |connection| polls::find_open_matching(connection, &like))
    }

    fn list(&self, query: TransactionQuery) -> StoreFuture<'_, Page> {
        self.read(move |connection| find::list(connection, &query))
    }

    fn events(&self, id: TransactionId) -> StoreFuture<'_, Vec<Event>> {
        self.read(move |connection| {
            let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                       FROM athm_event WHERE transaction_id = ?1 ORDER BY created_at, id";
            all(connection, sql, [id.as_uuid()], |columns| columns.event())
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
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

    fn close(&self) -> StoreFuture<'_, ()> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.writer.close()
    }
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
