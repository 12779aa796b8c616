//! Where payments, events, deliveries and waiting messages are kept.
//!
//! A backend reads, lets [`Policy::decide`] judge, and writes what it says, in one database transaction: no rule of
//! a payment's life is written in SQL.

mod batching;
mod decide;
mod error;
mod inbox;
mod poll;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod query;
mod replay;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod transition_key;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::runtime::Handle;

pub(crate) use self::batching::Batching;
pub(crate) use self::decide::{Check, Policy};
pub use self::error::{SharedError, StoreError};
pub(crate) use self::inbox::{InboxMessage, InboxState};
pub(crate) use self::poll::{MatchCriteria, PollSchedule, PollTask, Reschedule};
pub use self::query::{Cursor, Page, TransactionQuery};
pub use self::replay::ReplayError;
pub(crate) use self::replay::{ReplayMode, ReplayRequest, ReplayTarget};
use crate::models::{
    Amount, BeginOperation, BeginResult, Customer, DeliveryId, EcommerceId, Event, OperationResult, PaymentKey,
    ReferenceNumber, RefundId, RefundRecord, ReportedRefund, Sender, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{Acknowledgement, DeliveryRecord, Outbox, Slot};
use crate::util::clock::Clock;

/// An answer of the store's, in its own time.
pub(crate) type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// ReplayTarget every backend does.
///
/// Each write is durable when its answer comes. Those that wait at the same time may share one commit.
pub(crate) trait Store: Send + Sync {
    /// Reads the payment, applies what was seen of it, and writes it with its event and deliveries, as one step. The
    /// deliveries are handed to the outbox as soon as they are committed, whether or not the caller still waits.
    fn record(&self, record: Record) -> StoreFuture<'_, Recorded>;

    /// Claims what is due, the longest waiting first, no more than there are slots for, and nothing that runs here
    /// already, whatever the clock says of its lease. ReplayTarget is claimed is handed to the
    /// outbox as soon as that is committed. Tells how many.
    fn claim(&self, claim: Claim) -> StoreFuture<'_, usize>;

    /// Whether any of the deliveries that can be run here could be claimed now; see [`Claim::runnable`].
    fn has_due(&self, now: Timestamp, runnable: Vec<String>) -> StoreFuture<'_, bool>;

    /// Holds on to what runs here.
    fn renew(&self, running: Vec<(DeliveryId, u32)>, until: Timestamp) -> StoreFuture<'_, ()>;

    /// Notes how an attempt ended. A success counts however late; anything else only of the last attempt.
    fn acknowledge(&self, ended: Acknowledgement) -> StoreFuture<'_, ()>;

    /// Deliveries to show to a person.
    fn deliveries(&self, which: DeliveryQuery) -> StoreFuture<'_, Vec<DeliveryRecord>>;

    /// Makes deliveries due again, or makes them.
    fn replay(&self, replay: ReplayRequest) -> StoreFuture<'_, Result<Vec<DeliveryRecord>, ReplayError>>;

    /// Keeps a message. A pending one takes the place of the one that waits for the same payment.
    fn hold(&self, held: InboxMessage) -> StoreFuture<'_, ()>;

    /// Drops what waits for this payment, if nothing has come since it was read.
    fn release(&self, key: PaymentKey, version: i64) -> StoreFuture<'_, ()>;

    /// Forgets what is old enough, a small batch at a time. Tells whether there may be more.
    fn prune(&self, before: RetentionCutoffs) -> StoreFuture<'_, bool>;

    /// The messages whose time has come, the longest waiting first. They are put off until then, so that nobody else
    /// asks about them too, and so that they come again if nothing is heard of them.
    fn pending(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<InboxMessage>>;

    /// When the next message's time comes.
    fn next_due(&self) -> StoreFuture<'_, Option<Timestamp>>;

    /// A payment by any of its names.
    fn find(&self, by: PaymentLookup) -> StoreFuture<'_, Option<Transaction>>;

    /// Writes down, under the payment's lock, that a call is about to be made, or says why it may not be.
    fn begin(&self, beginning: BeginOperation) -> StoreFuture<'_, BeginResult>;

    /// Notes how a call ended.
    fn finish_operation(&self, conclusion: OperationResult) -> StoreFuture<'_, ()>;

    /// Calls into whose unknown outcome it is time to look. They are put off, so that nobody else does so now.
    fn unresolved(&self, now: Timestamp) -> StoreFuture<'_, Vec<UnresolvedOperation>>;

    /// When it is time to look into the next one.
    fn next_unresolved(&self) -> StoreFuture<'_, Option<Timestamp>>;

    /// Refunds, oldest first; those of the ledger in its order.
    fn refunds(&self, which: RefundQuery) -> StoreFuture<'_, Vec<RefundRecord>>;

    /// The newest completed payments of a customer, by phone or e-mail address, of which so much could be given back.
    fn paid_by(&self, customer: Customer, amount: Amount) -> StoreFuture<'_, Vec<Transaction>>;

    /// Gives a refund up that wasn't done, unless its call is under way. Tells whether it was pending.
    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Payments about which the provider is to be asked now. They are put off until then, so that nobody else has them
    /// too, and so that they come again if nothing is heard of them.
    fn polls(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<PollTask>>;

    /// Says when a payment has its next turn.
    fn reschedule(&self, next: Reschedule) -> StoreFuture<'_, ()>;

    /// When the next payment has its turn.
    fn next_poll(&self) -> StoreFuture<'_, Option<Timestamp>>;

    /// Open payments of ours that are like that: none, one, or two if there are several.
    fn find_open_matching(&self, like: MatchCriteria) -> StoreFuture<'_, Vec<EcommerceId>>;

    /// Payments, newest first.
    fn list(&self, query: TransactionQuery) -> StoreFuture<'_, Page>;

    /// The events of a payment, in their order.
    fn events(&self, id: TransactionId) -> StoreFuture<'_, Vec<Event>>;

    /// Whether the database answers.
    fn ping(&self) -> StoreFuture<'_, ()>;

    /// Stops taking writes, ends the connections and lets go of the database.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// A payment as it was seen, to be recorded.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) observed: Transaction,
    pub(crate) sender: Sender,
    pub(crate) auth_token: Option<SecretString>,
    /// ReplayTarget the provider tells of its refunds.
    pub(crate) reported: Vec<ReportedRefund>,
    pub(crate) origin: Origin,
}

impl Record {
    /// Of a payment as it was just seen, without anything about single refunds.
    pub(crate) fn observation(observed: Transaction, sender: Sender) -> Self {
        Self { observed, sender, auth_token: None, reported: Vec::new(), origin: Origin::Observation }
    }
}

/// ReplayTarget is seen of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// How it stands: it may be late.
    Observation,
    /// ReplayTarget the provider's books say of it.
    Reconciliation,
}

/// ReplayTarget this process could run now.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) now: Timestamp,
    pub(crate) lease_until: Timestamp,
    /// `signal:receiver`, for each signal of each receiver that this process has: another version's may listen to others.
    pub(crate) runnable: Vec<String>,
    pub(crate) slots: Vec<Slot>,
}

/// Which deliveries to show: those dead, or those due since then that can't be run here, or one.
#[derive(Debug, Clone)]
pub(crate) enum DeliveryQuery {
    Dead,
    Orphaned { due_before: Timestamp, runnable: Vec<String> },
    One(DeliveryId),
}

/// How many payments of a customer are looked at.
pub(crate) const FEW: u32 = 8;

/// Which refunds to show.
#[derive(Debug, Clone)]
pub(crate) enum RefundQuery {
    One(RefundId),
    Of(TransactionId),
    /// Those of which nobody has known since then whether they were done.
    Pending {
        since: Timestamp,
    },
    /// Those with a reference number of their own.
    Reference(ReferenceNumber),
}

/// From when on things are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetentionCutoffs {
    pub(crate) tokens: Timestamp,
    pub(crate) deliveries: Timestamp,
    pub(crate) refused: Timestamp,
    pub(crate) unmatched: Timestamp,
}

/// ReplayTarget recording made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub(crate) transaction: Transaction,
    pub(crate) events: Vec<Event>,
}

impl Recorded {
    /// The payment as it is recorded now.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// The transitions that this brought; none when everything was known.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

/// A name of a payment.
#[derive(Debug, Clone)]
pub(crate) enum PaymentLookup {
    Id(TransactionId),
    Payment(PaymentKey),
}

/// ReplayTarget a store works with.
pub(crate) struct StoreContext {
    pub(crate) policy: Policy,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    pub(crate) batching: Batching,
    /// Where a connection lives: nothing depends on the caller's runtime.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a file has no connections"))]
    pub(crate) background: Handle,
}
