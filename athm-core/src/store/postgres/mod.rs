//! PostgreSQL: a database that several processes share.
//!
//! Every write goes through a [`writer`], which commits many at once (group commit). There are two, each with a connection
//! of its own; reads go over a third.
//!
//! What one process reads in order to write it, it locks, because another process may write it too. Locks are taken in one
//! order: the rows of payments first, by id, then what belongs to them. Rows that are claimed from a queue (due
//! deliveries, pending messages, polls, unresolved operations) are locked with `SKIP LOCKED`: a process passes over rows
//! that another one is claiming.
//!
//! Deadlines are stored in the server's time, so that processes whose clocks disagree agree on them; see
//! [`clock_offset`].

mod address;
mod alerts;
mod checkouts;
mod claim;
mod clock_offset;
mod commit;
mod conflict_free_groups;
mod deliveries;
mod fault;
mod find;
mod inbox;
mod locked;
mod messages;
mod migrate;
mod operations;
mod own_transaction;
mod payment;
mod payment_intents;
mod polls;
mod prune;
mod queue;
mod queued_write;
mod reconnecting_client;
mod record;
mod refunds;
mod replay;
mod request;
mod row;
mod session;
mod tls;
mod values;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, try_join};
use futures_util::{FutureExt, TryFutureExt};
use jiff::Timestamp;
use tokio::time::timeout;

use self::address::Address;
use self::claim::{RenewLeases, list_attempts};
use self::deliveries::list_deliveries;
use self::fault::{Fault, Result};
use self::find::{find, list_events, list_payments};
use self::inbox::{ClaimPendingMessages, DeletePending, next_pending_message};
use self::messages::{InsertMessages, list_messages};
use self::migrate::{check_encoding, migrate};
use self::operations::{ClaimUnresolvedOperations, next_unresolved_operation};
use self::polls::{ClaimDuePolls, find_open_matching, next_due_poll};
use self::reconnecting_client::ReconnectingClient;
use self::record::RecordRequest;
use self::refunds::{GiveUpRefund, list_paid_by, list_refunds};
use self::request::{BatchContext, ConflictKeys, Request, SingleRequest};
use self::session::Session;
use self::values::{storable, values};
use self::writer::Writer;
use super::{
    Alert, AlertClaim, AlertOutcome, Claim, DamagedRow, DeliveryCounts, DeliveryPage, DeliveryQuery, DeliverySelection,
    DismissError, Dismissal, InboxMessage, MatchCriteria, MessageBatch, MessagePage, MessageQuery, Observation, Page,
    PaymentSelector, PollLane, PollTask, Problem, ProblemCounts, ProblemQuery, Recorded, RefundQuery, ReplayError,
    ReplayRequest, ReprocessedMessage, Reschedule, RetentionCutoffs, Store, StoreContext, StoreError, TransactionQuery,
};
use crate::models::{
    Amount, BeginOperation, BeginResult, Customer, DeliveryId, EcommerceId, Event, OperationResult, PaymentKey,
    RefundId, RefundRecord, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{Acknowledgement, AttemptRecord, ClaimId, DeliveryRecord};
use crate::receiver::Database;
use crate::store::row::Columns;
use crate::store::{StoreFuture, completion, problem};
use crate::util::clock::Clock;

/// How long a read may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the migrations may take, including the wait for another process that runs them.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A database on a server.
pub(crate) struct Postgres {
    writer: Writer,
    /// Writes the most frequent of what no caller waits for, acknowledgements and copies of messages: they don't prolong the
    /// commits of the other writer. To that one it is as another process.
    unawaited: Writer,
    reader: Arc<ReconnectingClient>,
    context: Arc<StoreContext>,
    is_closed: AtomicBool,
}

impl Postgres {
    pub(crate) async fn open(url: &str, context: StoreContext) -> std::result::Result<Self, StoreError> {
        let (background, context) = (context.background.clone(), Arc::new(context));
        let writing =
            ReconnectingClient::new(Arc::new(Address::parse(url)?), background.clone(), context.damaged.clone());
        let clock = context.clock.clone();
        let opened = background.spawn(async move {
            let session = writing.session().await?;
            check_encoding(&session).await?;
            let migrated = timeout(MIGRATION_TIMEOUT, migrate(&session)).await;
            migrated.unwrap_or_else(|_| Err(Fault::timed_out()))?;
            session.clock_offset(&clock).await.map(|_| writing)
        });
        let writing = opened.await.map_err(|_| StoreError::Closed)?.map_err(Fault::into_error)?;
        let reader = Arc::new(writing.sibling());
        let unawaited = Writer::start(writing.sibling(), Arc::clone(&context));
        let writer = Writer::start(writing, Arc::clone(&context));
        Ok(Self { writer, unawaited, reader, context, is_closed: AtomicBool::new(false) })
    }

    /// Reads on the background runtime, and a second time when the connection was lost: it may have been idle too long.
    fn read<A: Clone + Send + Sync + 'static, T: Send + 'static>(
        &self,
        arguments: A,
        read: fn(Arc<Session>, Clock, A) -> BoxFuture<'static, Result<T>>,
    ) -> StoreFuture<'static, T> {
        if self.is_closed.load(Ordering::Acquire) {
            return async { Err(StoreError::Closed) }.boxed();
        }
        let (reader, clock) = (Arc::clone(&self.reader), self.context.clock.clone());
        let answer = self.context.background.spawn(async move {
            let mut was_lost = false;
            loop {
                let session = reader.session().await?;
                let answer = timeout(READ_TIMEOUT, read(Arc::clone(&session), clock.clone(), arguments.clone())).await;
                match answer.unwrap_or_else(|_| Err(Fault::timed_out())) {
                    Err(fault) if fault.is_lost() => {
                        reader.discard(&session).await;
                        if was_lost || matches!(fault, Fault::Unknown(_)) {
                            return Err(fault);
                        }
                        was_lost = true;
                    }
                    answer => return answer,
                }
            }
        });
        async move { answer.await.map_err(|_| StoreError::Closed)?.map_err(Fault::into_error) }.boxed()
    }
}

impl Store for Postgres {
    fn database(&self) -> Database {
        Database::Postgres
    }

    fn record(&self, observation: Observation) -> StoreFuture<'_, Recorded> {
        let recorded = self.writer.write(RecordRequest::new(observation));
        recorded.map_ok(|(recorded, _)| recorded).boxed()
    }

    fn claim_deliveries(&self, claim: Claim) -> StoreFuture<'_, usize> {
        self.writer.write(claim).map_ok(|(count, _)| count).boxed()
    }

    fn has_due_deliveries(&self, now: Timestamp, runnable: Vec<String>) -> StoreFuture<'_, bool> {
        self.read((now, runnable), |session, clock, (now, runnable)| {
            async move {
                let now = session.clock_offset(&clock).await?.to_server(now);
                let sql = "SELECT true FROM unnest($2::text[]) AS runnable (name) WHERE EXISTS (SELECT 1 FROM athm_delivery \
                           WHERE state IN ('due', 'running') AND due_at <= $1 \
                           AND signal || ':' || receiver = runnable.name) LIMIT 1";
                let found = session.one(sql, values![now, runnable], |row| row.boolean()).await?;
                Ok(found.unwrap_or(false))
            }
            .boxed()
        })
    }

    fn renew_leases(&self, running: Vec<(DeliveryId, ClaimId)>, until: Timestamp) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(RenewLeases { running, until })
    }

    fn acknowledge(&self, acknowledgement: Acknowledgement) -> StoreFuture<'_, ()> {
        self.unawaited.write_deferred(acknowledgement)
    }

    fn is_completed(&self, delivery: DeliveryId, claim: ClaimId) -> StoreFuture<'_, bool> {
        self.read((delivery, claim), |session, _, (delivery, claim)| {
            async move {
                let values = values![*delivery.as_uuid(), *claim.as_uuid()];
                let found = session.one(completion::IS_COMPLETED, values, |row| row.boolean()).await?;
                Ok(found.unwrap_or(false))
            }
            .boxed()
        })
    }

    fn list_deliveries(&self, query: DeliverySelection) -> StoreFuture<'_, Vec<DeliveryRecord>> {
        self.read(query, |session, clock, query| async move { list_deliveries(&session, &clock, query).await }.boxed())
    }

    fn list_attempts(&self, of: DeliveryId) -> StoreFuture<'_, Vec<AttemptRecord>> {
        self.read(of, |session, _, of| async move { list_attempts(&session, of).await }.boxed())
    }

    fn list_matching_deliveries(&self, query: DeliveryQuery) -> StoreFuture<'_, DeliveryPage> {
        self.read(query, |session, _, query| async move { deliveries::list_matching(&session, &query).await }.boxed())
    }

    fn count_deliveries(&self, query: DeliveryQuery) -> StoreFuture<'_, DeliveryCounts> {
        self.read(query, |session, _, query| async move { deliveries::count(&session, &query).await }.boxed())
    }

    fn dismiss(&self, dismissal: Dismissal) -> StoreFuture<'_, std::result::Result<DeliveryRecord, DismissError>> {
        self.writer.write(dismissal)
    }

    fn replay(&self, request: ReplayRequest) -> StoreFuture<'_, std::result::Result<Vec<DeliveryRecord>, ReplayError>> {
        self.writer.write(request)
    }

    fn insert_message(&self, message: InboxMessage) -> StoreFuture<'_, ()> {
        self.writer.write(message).map_ok(|_| ()).boxed()
    }

    fn delete_pending(&self, key: PaymentKey, version: i64) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(DeletePending { key, version })
    }

    fn claim_pending_messages(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<InboxMessage>> {
        self.writer.write(ClaimPendingMessages { now, until })
    }

    fn insert_messages(&self, batch: Arc<MessageBatch>) -> StoreFuture<'_, ()> {
        self.unawaited.write_deferred(InsertMessages(batch))
    }

    fn list_messages(&self, query: MessageQuery) -> StoreFuture<'_, MessagePage> {
        self.read(query, |session, _, query| async move { list_messages(&session, query).await }.boxed())
    }

    fn update_message(&self, message: ReprocessedMessage) -> StoreFuture<'_, ()> {
        self.writer.write(message)
    }

    fn next_pending_message(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read((), |session, clock, ()| async move { next_pending_message(&session, &clock).await }.boxed())
    }

    fn prune(&self, cutoffs: RetentionCutoffs) -> StoreFuture<'_, bool> {
        self.writer.write_deferred(cutoffs)
    }

    fn find(&self, selector: PaymentSelector) -> StoreFuture<'_, Option<Transaction>> {
        self.read(selector, |session, _, selector| async move { find(&session, selector).await }.boxed())
    }

    fn begin_operation(&self, request: BeginOperation) -> StoreFuture<'_, BeginResult> {
        self.writer.write(request)
    }

    fn finish_operation(&self, result: OperationResult) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(result)
    }

    fn claim_unresolved_operations(&self, now: Timestamp) -> StoreFuture<'_, Vec<UnresolvedOperation>> {
        self.writer.write(ClaimUnresolvedOperations(now))
    }

    fn next_unresolved_operation(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read((), |session, clock, ()| async move { next_unresolved_operation(&session, &clock).await }.boxed())
    }

    fn list_refunds(&self, query: RefundQuery) -> StoreFuture<'_, Vec<RefundRecord>> {
        self.read(query, |session, _, query| async move { list_refunds(&session, query).await }.boxed())
    }

    fn list_paid_by(&self, customer: Customer, amount: Amount) -> StoreFuture<'_, Vec<Transaction>> {
        self.read((customer, amount), |session, _, (customer, amount)| {
            async move { list_paid_by(&session, &customer, amount).await }.boxed()
        })
    }

    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> StoreFuture<'_, bool> {
        self.writer.write(GiveUpRefund { id, now })
    }

    fn claim_due_polls(
        &self,
        lane: PollLane,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> StoreFuture<'_, Vec<PollTask>> {
        self.writer.write(ClaimDuePolls { lane, now, until, limit })
    }

    fn reschedule_poll(&self, next: Reschedule) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(next)
    }

    fn next_due_poll(&self, lane: PollLane) -> StoreFuture<'_, Option<Timestamp>> {
        self.read(lane, |session, clock, lane| async move { next_due_poll(&session, &clock, lane).await }.boxed())
    }

    fn find_open_matching(&self, criteria: MatchCriteria) -> StoreFuture<'_, Vec<EcommerceId>> {
        self.read(criteria, |session, _, criteria| async move { find_open_matching(&session, &criteria).await }.boxed())
    }

    fn list_payments(&self, query: TransactionQuery) -> StoreFuture<'_, Page> {
        self.read(query, |session, _, query| async move { list_payments(&session, &query).await }.boxed())
    }

    fn list_events(&self, id: TransactionId) -> StoreFuture<'_, Vec<Event>> {
        self.read(id, |session, _, id| async move { list_events(&session, id).await }.boxed())
    }

    fn damaged_rows(&self) -> Vec<DamagedRow> {
        self.context.damaged.list()
    }

    fn list_problems(&self, query: ProblemQuery) -> StoreFuture<'_, Vec<Problem>> {
        self.read(query, |session, _, query| {
            async move {
                let (created_at, id) = query.after();
                let values = values![storable(query.refunds_before), storable(created_at), id, i64::from(query.limit)];
                session.all(problem::LIST, values, |row| row.problem()).await
            }
            .boxed()
        })
    }

    fn count_problems(&self, query: ProblemQuery) -> StoreFuture<'_, ProblemCounts> {
        self.read(query, |session, _, query| {
            async move {
                let values = values![storable(query.refunds_before)];
                Ok(session.all(problem::COUNT, values, |row| row.problem_count()).await?.into_iter().collect())
            }
            .boxed()
        })
    }

    fn has_due_alerts(&self, now: Timestamp, refunds_before: Timestamp) -> StoreFuture<'_, bool> {
        self.read((now, refunds_before), |session, clock, times| {
            async move { alerts::has_due_alerts(&session, &clock, times).await }.boxed()
        })
    }

    fn claim_alerts(&self, claim: AlertClaim) -> StoreFuture<'_, Vec<Alert>> {
        self.writer.write(claim)
    }

    fn finish_alert(&self, outcome: AlertOutcome) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(outcome)
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let reads = self.read((), |session, _, ()| {
            async move { session.execute("SELECT 1 FROM athm_migration LIMIT 1", values![]).await.map(drop) }.boxed()
        });
        let (health, now) = (self.context.write_health.clone(), self.context.clock.steady());
        let known = health.check(now);
        let writes = known.is_none().then(|| self.writer.write(Probe));
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
        self.is_closed.store(true, Ordering::Release);
        let (reader, closing) = (Arc::clone(&self.reader), try_join(self.writer.close(), self.unawaited.close()));
        async move {
            closing.await?;
            reader.close().await;
            Ok(())
        }
        .boxed()
    }
}

/// A write that changes nothing for any reader, for [`Store::ping`].
struct Probe;

impl Request for Probe {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(Vec::new())
    }
}

impl SingleRequest for Probe {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<()> {
        let sql = "UPDATE athm_migration SET applied_at = applied_at WHERE version = ANY (ARRAY (SELECT version \
                   FROM athm_migration ORDER BY version LIMIT 1 FOR UPDATE SKIP LOCKED))";
        batch.session.execute(sql, values![]).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
