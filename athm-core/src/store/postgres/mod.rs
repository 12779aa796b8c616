//! PostgreSQL: all of its SQL.
//!
//! Several processes write one database: what one of them reads to write it, it locks. Deadlines are by the server's
//! clock, so that processes whose clocks disagree agree on them.

mod address;
mod claim;
mod commit;
mod conflict_free_groups;
mod deliveries;
mod draft;
mod fault;
mod find;
mod inbox;
mod job;
mod migrate;
mod operations;
mod payment;
mod polls;
mod prune;
mod queue;
mod record;
mod refunds;
mod replay;
mod row;
mod running;
mod session;
mod tls;
mod unlogged;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use jiff::Timestamp;
use tokio::time::timeout;
use tracing::Span;

use self::address::Address;
use self::deliveries::deliveries;
use self::fault::{Fault, Result};
use self::find::{by_id, filled, list, select_transaction};
use self::inbox::Release;
use self::job::{BatchContext, ConflictKeys, Request, Single};
use self::migrate::migrate;
use self::record::Recording;
use self::running::Renewal;
use self::session::{ReconnectingClient, Session, values};
use self::writer::Writer;
use super::{
    Claim, DeliveryQuery, InboxMessage, MatchCriteria, Page, PaymentLookup, PollTask, Record, Recorded, RefundQuery,
    ReplayError, ReplayRequest, Reschedule, RetentionCutoffs, Store, StoreContext, StoreError, TransactionQuery,
};
use crate::models::{
    Amount, BeginOperation, BeginResult, Customer, DeliveryId, EcommerceId, Event, OperationResult, PaymentKey,
    RefundId, RefundRecord, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{Acknowledgement, DeliveryRecord};
use crate::store::StoreFuture;
use crate::util::clock::Clock;

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the tables may take to be brought up to date, by this process or by another one that is waited for.
const MIGRATING: Duration = Duration::from_secs(10 * 60);
/// How many waiting messages, and how many unsettled calls, are taken at once.
const DUE: i64 = 64;

/// A database on a server: one connection that writes, one that reads.
pub(crate) struct Postgres {
    writer: Writer,
    reader: Arc<ReconnectingClient>,
    context: Arc<StoreContext>,
    is_closed: AtomicBool,
}

impl Postgres {
    pub(crate) async fn open(url: &str, context: StoreContext) -> std::result::Result<Self, StoreError> {
        let (background, context) = (context.background.clone(), Arc::new(context));
        let writing = ReconnectingClient::new(Arc::new(Address::parse(url)?), background.clone());
        let clock = context.clock.clone();
        let opened = background.spawn(async move {
            let session = writing.session().await?;
            let migrated = timeout(MIGRATING, migrate(&session)).await;
            migrated.unwrap_or_else(|_| Err(Fault::slow()))?;
            session.times(&clock).await.map(|_| writing)
        });
        let writing = opened.await.map_err(|_| StoreError::Closed)?.map_err(Fault::into_error)?;
        let reader = Arc::new(writing.beside());
        let writer = Writer::start(writing, Arc::clone(&context));
        Ok(Self { writer, reader, context, is_closed: AtomicBool::new(false) })
    }

    /// Asks on the house's runtime, and once more when the connection was lost.
    fn read<A: Clone + Send + Sync + 'static, T: Send + 'static>(
        &self,
        about: A,
        ask: fn(Arc<Session>, Clock, A) -> BoxFuture<'static, Result<T>>,
    ) -> StoreFuture<'static, T> {
        if self.is_closed.load(Ordering::Acquire) {
            return async { Err(StoreError::Closed) }.boxed();
        }
        let (reader, clock) = (Arc::clone(&self.reader), self.context.clock.clone());
        let asked = self.context.background.spawn(async move {
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
    fn record(&self, record: Record) -> StoreFuture<'_, Recorded> {
        let recorded = self.writer.write(Recording { record, span: Span::current() });
        recorded.map_ok(|(recorded, _)| recorded).boxed()
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, usize> {
        self.writer.write(claim).map_ok(|(count, _)| count).boxed()
    }

    fn has_due(&self, now: Timestamp, runnable: Vec<String>) -> StoreFuture<'_, bool> {
        self.read((now, runnable), |session, clock, (now, runnable)| {
            async move {
                let now = session.times(&clock).await?.there(now);
                // In the order of the index, so that the first one found is enough.
                let sql = "SELECT true FROM athm_delivery WHERE state IN ('due', 'running') AND due_at <= $1 \
                           AND signal || ':' || receiver = ANY ($2) ORDER BY due_at LIMIT 1";
                let found = session.one(sql, values![now, runnable], |columns| columns.get()).await?;
                Ok(found.unwrap_or(false))
            }
            .boxed()
        })
    }

    fn renew(&self, running: Vec<(DeliveryId, u32)>, until: Timestamp) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(Renewal { running, until })
    }

    fn acknowledge(&self, ended: Acknowledgement) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(ended)
    }

    fn deliveries(&self, which: DeliveryQuery) -> StoreFuture<'_, Vec<DeliveryRecord>> {
        self.read(which, |session, clock, which| async move { deliveries(&session, &clock, which).await }.boxed())
    }

    fn replay(&self, of: ReplayRequest) -> StoreFuture<'_, std::result::Result<Vec<DeliveryRecord>, ReplayError>> {
        self.writer.write(of)
    }

    fn hold(&self, held: InboxMessage) -> StoreFuture<'_, ()> {
        self.writer.write(held)
    }

    fn release(&self, key: PaymentKey, version: i64) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(Release { key, version })
    }

    fn prune(&self, before: RetentionCutoffs) -> StoreFuture<'_, bool> {
        self.writer.write_lazily(before)
    }

    fn pending(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<InboxMessage>> {
        self.writer.write(inbox::Take { now, until })
    }

    fn next_due(&self) -> StoreFuture<'_, Option<Timestamp>> {
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

    fn find(&self, by: PaymentLookup) -> StoreFuture<'_, Option<Transaction>> {
        self.read(by, |session, _, by| {
            async move {
                let found = match by {
                    PaymentLookup::Id(id) => by_id(&session, id).await?,
                    PaymentLookup::Payment(PaymentKey::Ecommerce(id)) => {
                        let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = $1");
                        session.all(sql, values![*id.as_uuid()], |columns| columns.transaction()).await?
                    }
                    PaymentLookup::Payment(PaymentKey::Reference(reference)) => {
                        let sql = select_transaction!("FROM athm_transaction t WHERE t.reference_number = $1");
                        session.all(sql, values![reference.as_str()], |columns| columns.transaction()).await?
                    }
                };
                Ok(filled(&session, found).await?.pop())
            }
            .boxed()
        })
    }

    fn begin(&self, beginning: BeginOperation) -> StoreFuture<'_, BeginResult> {
        self.writer.write(beginning)
    }

    fn finish_operation(&self, conclusion: OperationResult) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(conclusion)
    }

    fn unresolved(&self, now: Timestamp) -> StoreFuture<'_, Vec<UnresolvedOperation>> {
        self.writer.write(operations::Look(now))
    }

    fn refunds(&self, which: RefundQuery) -> StoreFuture<'_, Vec<RefundRecord>> {
        self.read(which, |session, _, which| async move { refunds::refunds(&session, which).await }.boxed())
    }

    fn paid_by(&self, customer: Customer, amount: Amount) -> StoreFuture<'_, Vec<Transaction>> {
        self.read((customer, amount), |session, _, (customer, amount)| {
            async move { refunds::paid_by(&session, &customer, amount).await }.boxed()
        })
    }

    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> StoreFuture<'_, bool> {
        self.writer.write(refunds::GivenUp { id, now })
    }

    fn next_unresolved(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read((), |session, clock, ()| async move { operations::next_unresolved(&session, &clock).await }.boxed())
    }

    fn polls(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<PollTask>> {
        self.writer.write(polls::Take { now, until })
    }

    fn reschedule(&self, next: Reschedule) -> StoreFuture<'_, ()> {
        self.writer.write_lazily(next)
    }

    fn next_poll(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read((), |session, clock, ()| async move { polls::next(&session, &clock).await }.boxed())
    }

    fn find_open_matching(&self, like: MatchCriteria) -> StoreFuture<'_, Vec<EcommerceId>> {
        self.read(like, |session, _, like| async move { polls::find_open_matching(&session, &like).await }.boxed())
    }

    fn list(&self, query: TransactionQuery) -> StoreFuture<'_, Page> {
        self.read(query, |session, _, query| async move { list(&session, &query).await }.boxed())
    }

    fn events(&self, id: TransactionId) -> StoreFuture<'_, Vec<Event>> {
        self.read(id, |session, _, id| {
            async move {
                let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                           FROM athm_event WHERE transaction_id = $1 ORDER BY created_at, id";
                session.all(sql, values![*id.as_uuid()], |columns| columns.event()).await
            }
            .boxed()
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let reads = self.read((), |session, _, ()| {
            async move { session.execute("SELECT 1 FROM athm_migration LIMIT 1", values![]).await.map(drop) }.boxed()
        });
        // An empty write shows that the writer still answers.
        let writes = self.writer.write(Nothing);
        async move {
            reads.await?;
            writes.await
        }
        .boxed()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
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

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(Vec::new())
    }
}

impl Single for Nothing {
    async fn execute(&self, _: BatchContext<'_>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
