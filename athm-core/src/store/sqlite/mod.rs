//! SQLite: one file, one process, one thread that writes and one that reads.
//!
//! Every write goes through the [`writer`]: it executes what is queued in one transaction, commits once, and answers each
//! caller after that commit (group commit). One connection writes, so that no row needs a lock: what a write has read is
//! unchanged until it commits. Reads go over a second connection, in the [`reader`].
//!
//! Times are the process's own steady clock, in microseconds: no other process compares them.

mod alerts;
mod attempts;
mod checkouts;
mod claim;
mod deliveries;
mod find;
mod inbox;
mod messages;
mod open;
mod operations;
pub(super) mod own_transaction;
mod payment;
mod payment_intents;
mod polls;
mod prune;
mod reader;
mod record;
mod refunds;
mod replay;
mod restart;
mod row;
mod statement;
mod wal;
mod writer;

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use tracing::Span;

use self::reader::Reader;
use self::statement::{all, is_unreadable, json};
use self::wal::Wal;
use self::writer::{DatabaseFile, Writer};
use super::{
    Alert, AlertClaim, AlertOutcome, Claim, DamagedRow, DeliveryCounts, DeliveryPage, DeliveryQuery, DeliverySelection,
    DismissError, Dismissal, InboxMessage, MatchCriteria, MessageBatch, MessagePage, MessageQuery, Observation, Page,
    PaymentSelector, PollLane, PollTask, Problem, ProblemCounts, ProblemQuery, Recorded, RefundQuery, ReplayError,
    ReplayRequest, ReprocessedMessage, Reschedule, RetentionCutoffs, SharedError, Store, StoreContext, StoreError,
    TransactionQuery,
};
use crate::models::{
    Amount, BeginOperation, BeginResult, Customer, DeliveryId, EcommerceId, Event, OperationResult, PaymentKey,
    RefundId, RefundRecord, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{Acknowledgement, AttemptRecord, ClaimId, DeliveryRecord, EventDeliveries, Handover};
use crate::receiver::Database;
use crate::store::pending_room::PendingSpace;
use crate::store::row::Columns;
use crate::store::{StoreFuture, completion, problem};

/// A database file: one thread that writes, one that reads.
pub(crate) struct Sqlite {
    writer: Writer,
    reader: Reader,
    context: Arc<StoreContext>,
}

impl Sqlite {
    pub(crate) fn open(path: &str, context: StoreContext) -> Result<Self, StoreError> {
        // SQLite takes these for a database in memory or for a URL of its own, not for a file.
        if path.is_empty() || path.starts_with(':') || path.starts_with("file:") || path.contains('?') {
            let reason = format!("expected a file such as sqlite://athm.db, found \"sqlite://{path}\"");
            return Err(StoreError::Address { reason });
        }
        let path = open::create(path)?;
        let lock = open::lock(&path)?;
        let mut connection = open::connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        open::configure(&connection)?;
        open::migrate(&mut connection, context.clock.now())?;
        restart::make_due(&mut connection, context.clock.steady())?;
        let reader = open::connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let (reader, reading) = Reader::start(reader).map_err(StoreError::database)?;
        let wal = Wal::new(&path, open::MAX_WAL_BYTES);
        let (clock, health) = (context.clock.clone(), context.write_health.clone());
        let file = DatabaseFile { connection, reading, wal, clock, health, lock };
        let writer = Writer::start(file, context.batching).map_err(StoreError::database)?;
        Ok(Self { writer, reader, context: Arc::new(context) })
    }
}

#[cfg(test)]
impl Sqlite {
    /// Has a write fail at once that meets a lock, instead of after a timeout.
    pub(crate) async fn fail_when_busy(&self) -> Result<(), StoreError> {
        let set = |connection: &Connection| Ok(connection.busy_timeout(std::time::Duration::ZERO)?);
        self.writer.write(set, |()| ()).await
    }
}

impl Store for Sqlite {
    fn database(&self) -> Database {
        Database::Sqlite
    }

    fn record(&self, observation: Observation) -> StoreFuture<'_, Recorded> {
        let (context, span) = (Arc::clone(&self.context), Span::current());
        let outbox = context.outbox.clone();
        let committed = move |(recorded, handover): (Recorded, Handover)| {
            outbox.take_over(handover);
            recorded
        };
        self.writer
            .write(move |connection| record::record_payment(connection, &context, &observation, &span), committed)
    }

    fn claim_deliveries(&self, mut claim: Claim) -> StoreFuture<'_, usize> {
        let damaged = self.context.damaged.clone();
        let (outbox, claiming) = (self.context.outbox.clone(), self.context.outbox.clone());
        let committed = move |claimed: Vec<EventDeliveries>| {
            let count = claimed.iter().map(|event| event.deliveries.len()).sum();
            claimed.into_iter().for_each(|event| outbox.hand_over(event));
            count
        };
        self.writer.write(
            move |connection| Ok(claim::claim_deliveries(connection, &mut claim, &claiming, &damaged)?),
            committed,
        )
    }

    fn has_due_deliveries(&self, now: Timestamp, runnable: Vec<String>) -> StoreFuture<'_, bool> {
        self.reader.read(move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM json_each(?2) AS runnable WHERE EXISTS (SELECT 1 FROM athm_delivery \
                       WHERE state IN ('due', 'running') AND due_at <= ?1 AND signal || ':' || receiver = runnable.value))";
            connection.prepare_cached(sql)?.query_row(params![now.as_microsecond(), json(&runnable)], |row| row.get(0))
        })
    }

    fn renew_leases(&self, running: Vec<(DeliveryId, ClaimId)>, until: Timestamp) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(claim::renew_leases(connection, &running, until)?))
    }

    fn acknowledge(&self, acknowledgement: Acknowledgement) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(claim::acknowledge(connection, &acknowledgement)?))
    }

    fn is_completed(&self, delivery: DeliveryId, claim: ClaimId) -> StoreFuture<'_, bool> {
        self.reader.read(move |connection| {
            let values = params![delivery.as_uuid(), claim.as_uuid()];
            connection.prepare_cached(completion::IS_COMPLETED)?.query_row(values, |row| row.get(0))
        })
    }

    fn list_deliveries(&self, query: DeliverySelection) -> StoreFuture<'_, Vec<DeliveryRecord>> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| deliveries::list_deliveries(connection, &query, &damaged))
    }

    fn list_attempts(&self, of: DeliveryId) -> StoreFuture<'_, Vec<AttemptRecord>> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| attempts::list(connection, of, &damaged))
    }

    fn list_matching_deliveries(&self, query: DeliveryQuery) -> StoreFuture<'_, DeliveryPage> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| deliveries::list_matching(connection, &query, &damaged))
    }

    fn count_deliveries(&self, query: DeliveryQuery) -> StoreFuture<'_, DeliveryCounts> {
        self.reader.read(move |connection| deliveries::count(connection, &query))
    }

    fn dismiss(&self, dismissal: Dismissal) -> StoreFuture<'_, Result<DeliveryRecord, DismissError>> {
        let work = move |connection: &Connection| match deliveries::dismiss(connection, &dismissal) {
            Err(DismissError::Store(error)) => Err(error),
            dismissed => Ok(dismissed),
        };
        self.writer.write(work, |dismissed| dismissed)
    }

    fn replay(&self, request: ReplayRequest) -> StoreFuture<'_, Result<Vec<DeliveryRecord>, ReplayError>> {
        let damaged = self.context.damaged.clone();
        let work = move |connection: &Connection| match replay::replay(connection, &request, &damaged) {
            Err(ReplayError::Store(error)) => Err(error),
            replayed => Ok(replayed),
        };
        self.writer.write(work, |replayed| replayed)
    }

    fn insert_message(&self, message: InboxMessage) -> StoreFuture<'_, ()> {
        let room = self.context.pending_room.clone();
        self.writer.write(move |connection| inbox::insert_message(connection, &message, &room), keep_space)
    }

    fn delete_pending(&self, key: PaymentKey, version: i64) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(inbox::delete_pending(connection, &key, version)?))
    }

    fn claim_pending_messages(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<InboxMessage>> {
        let damaged = self.context.damaged.clone();
        let claim = move |connection: &Connection| Ok(inbox::claim_pending_messages(connection, now, until, &damaged)?);
        self.writer.write(claim, |claimed| claimed)
    }

    fn insert_messages(&self, batch: Arc<MessageBatch>) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(messages::insert_messages(connection, &batch)?))
    }

    fn list_messages(&self, query: MessageQuery) -> StoreFuture<'_, MessagePage> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| messages::list_messages(connection, &query, &damaged))
    }

    fn update_message(&self, message: ReprocessedMessage) -> StoreFuture<'_, ()> {
        self.writer.write(move |connection| Ok(messages::update_message(connection, &message)?), |()| ())
    }

    fn next_pending_message(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.reader.read(inbox::next_pending_message)
    }

    fn prune(&self, cutoffs: RetentionCutoffs) -> StoreFuture<'_, bool> {
        self.writer.write_deferred(move |connection| Ok(prune::prune(connection, cutoffs)?))
    }

    fn find(&self, selector: PaymentSelector) -> StoreFuture<'_, Option<Transaction>> {
        self.reader.read(move |connection| match selector {
            PaymentSelector::Id(id) => find::by_id(connection, id),
            PaymentSelector::Key(key) => {
                let (ecommerce_id, reference) = match &key {
                    PaymentKey::Ecommerce(id) => (Some(*id.as_uuid()), None),
                    PaymentKey::Reference(reference) => (None, Some(reference.as_str())),
                };
                Ok(find::by_names(connection, ecommerce_id, reference)?.pop())
            }
        })
    }

    fn begin_operation(&self, request: BeginOperation) -> StoreFuture<'_, BeginResult> {
        let context = Arc::clone(&self.context);
        let begin =
            move |connection: &Connection| Ok(operations::begin_operation(connection, &context.policy, &request)?);
        self.writer.write(begin, |begun| begun)
    }

    fn finish_operation(&self, result: OperationResult) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(operations::finish_operation(connection, &result)?))
    }

    fn claim_unresolved_operations(&self, now: Timestamp) -> StoreFuture<'_, Vec<UnresolvedOperation>> {
        let damaged = self.context.damaged.clone();
        let claim =
            move |connection: &Connection| Ok(operations::claim_unresolved_operations(connection, now, &damaged)?);
        self.writer.write(claim, |claimed| claimed)
    }

    fn next_unresolved_operation(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.reader.read(operations::next_unresolved_operation)
    }

    fn list_refunds(&self, query: RefundQuery) -> StoreFuture<'_, Vec<RefundRecord>> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| refunds::list_refunds(connection, &query, &damaged))
    }

    fn list_paid_by(&self, customer: Customer, amount: Amount) -> StoreFuture<'_, Vec<Transaction>> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| refunds::list_paid_by(connection, &customer, amount, &damaged))
    }

    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> StoreFuture<'_, bool> {
        self.writer.write(move |connection| Ok(refunds::give_up_refund(connection, id, now)?), |was_open| was_open)
    }

    fn claim_due_polls(
        &self,
        lane: PollLane,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> StoreFuture<'_, Vec<PollTask>> {
        let damaged = self.context.damaged.clone();
        let claim =
            move |connection: &Connection| Ok(polls::claim_due_polls(connection, lane, (now, until), limit, &damaged)?);
        self.writer.write(claim, |claimed| claimed)
    }

    fn reschedule_poll(&self, next: Reschedule) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(polls::reschedule_poll(connection, &next)?))
    }

    fn next_due_poll(&self, lane: PollLane) -> StoreFuture<'_, Option<Timestamp>> {
        self.reader.read(move |connection| polls::next_due_poll(connection, lane))
    }

    fn find_open_matching(&self, criteria: MatchCriteria) -> StoreFuture<'_, Vec<EcommerceId>> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| polls::find_open_matching(connection, &criteria, &damaged))
    }

    fn list_payments(&self, query: TransactionQuery) -> StoreFuture<'_, Page> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| find::list_payments(connection, &query, &damaged))
    }

    fn list_events(&self, id: TransactionId) -> StoreFuture<'_, Vec<Event>> {
        let damaged = self.context.damaged.clone();
        self.reader.read(move |connection| find::list_events(connection, id, &damaged))
    }

    fn damaged_rows(&self) -> Vec<DamagedRow> {
        self.context.damaged.list()
    }

    fn list_problems(&self, query: ProblemQuery) -> StoreFuture<'_, Vec<Problem>> {
        self.reader.read(move |connection| {
            let (created_at, id) = query.after();
            let refunds_before = query.refunds_before.as_microsecond();
            let values = params![refunds_before, created_at.as_microsecond(), id, query.limit];
            all(connection, problem::LIST, values, |row| row.problem())
        })
    }

    fn count_problems(&self, query: ProblemQuery) -> StoreFuture<'_, ProblemCounts> {
        self.reader.read(move |connection| {
            let refunds_before = query.refunds_before.as_microsecond();
            Ok(all(connection, problem::COUNT, [refunds_before], |row| row.problem_count())?.into_iter().collect())
        })
    }

    fn has_due_alerts(&self, now: Timestamp, refunds_before: Timestamp) -> StoreFuture<'_, bool> {
        self.reader.read(move |connection| alerts::has_due_alerts(connection, now, refunds_before))
    }

    fn claim_alerts(&self, claim: AlertClaim) -> StoreFuture<'_, Vec<Alert>> {
        let damaged = self.context.damaged.clone();
        let work = move |connection: &Connection| Ok(alerts::claim_alerts(connection, &claim, &damaged)?);
        self.writer.write(work, |claimed| claimed)
    }

    fn finish_alert(&self, outcome: AlertOutcome) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(move |connection| Ok(alerts::finish_alert(connection, &outcome)?))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let sql = "SELECT 1 FROM athm_migration LIMIT 1";
        let reads = self.reader.read(move |connection| connection.query_row(sql, [], |_| Ok(())));
        let (health, now) = (self.context.write_health.clone(), self.context.clock.steady());
        let known = health.check(now);
        let writes =
            known.is_none().then(|| self.writer.write(move |connection| Ok(restart::stamp(connection, now)?), |()| ()));
        async move {
            reads.await?;
            let Some(writes) = writes else { return known.unwrap_or(Ok(())) };
            let written = writes.await;
            health.record(now, written.clone());
            written
        }
        .boxed()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.reader.close();
        self.writer.close()
    }
}

/// The message is stored, and keeps the room that it took.
fn keep_space(space: Option<PendingSpace>) {
    if let Some(space) = space {
        space.keep();
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => Self::Locked(SharedError::new(error)),
            _ if is_unreadable(&error) => Self::Damaged(SharedError::new(error)),
            _ => Self::database(error),
        }
    }
}

impl From<rusqlite::Error> for ReplayError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests;
