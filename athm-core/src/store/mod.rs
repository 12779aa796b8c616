//! The store: payments, events, deliveries, messages, polls and operations, in SQLite or in PostgreSQL.
//!
//! A backend implements the [`Store`] trait. To record a payment it reads the rows that exist, lets [`Policy::decide`]
//! apply the rules, and writes the [`decision`](decide::Decision), all in one transaction: SQL has no rule about payments.
//! Both backends map rows by one trait ([`row`]), and commit many writes at once (group commit, see each backend's
//! `writer`).
//!
//! Several kinds of rows are queues: due deliveries, pending messages, polls and unresolved operations. Taking a row from
//! a queue is a claim with a lease: its `due_at` moves to the end of the lease, so that no other process takes it, and so
//! that it is due again if this process dies before it has settled the row.

mod alert;
mod batching;
mod checkout;
mod completion;
mod damaged;
mod decide;
mod delivery_query;
mod dismissal;
mod error;
#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod fixtures;
mod inbox;
mod limits;
mod message;
mod message_query;
pub(crate) mod own_transaction;
mod page;
pub(crate) mod payment_intent;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod payment_list;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod payment_write;
mod pending_room;
mod poll;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod problem;
mod replay;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod row;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod transaction_query;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod transition_key;
mod write_health;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::runtime::Handle;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use uuid::Uuid;

pub use self::alert::Alert;
pub(crate) use self::alert::{AlertClaim, AlertOutcome, Reported};
pub(crate) use self::batching::Batching;
pub(crate) use self::checkout::{AttemptUpdate, CheckoutRow, CheckoutStore, WatchedPayment, WatchedPayments};
pub use self::completion::{Completion, CompletionError};
pub use self::damaged::DamagedRow;
pub(crate) use self::damaged::DamagedRows;
pub(crate) use self::decide::{Check, Policy, SignalScope};
pub use self::delivery_query::{DeliveryCounts, DeliveryPage, DeliveryQuery};
pub use self::dismissal::DismissError;
pub(crate) use self::dismissal::Dismissal;
pub use self::error::{SharedError, StoreError};
pub(crate) use self::inbox::{InboxMessage, InboxState};
pub(crate) use self::message::{MessageBatch, MessageCopy, MessageLane, ProcessedMessage, ReprocessedMessage};
pub use self::message::{MessageState, StoredMessage, UnknownMessageState};
pub use self::message_query::{MessageCursor, MessagePage, MessageQuery};
pub(crate) use self::payment_intent::PaymentIntentStore;
pub(crate) use self::pending_room::PendingRoom;
pub(crate) use self::poll::{MatchCriteria, PollLane, PollSchedule, PollTask, Reschedule};
pub(crate) use self::problem::ProblemQuery;
pub use self::problem::{Problem, ProblemCounts, ProblemKind, UnknownProblemKind};
pub use self::replay::ReplayError;
pub(crate) use self::replay::{ReplayReceiver, ReplayRequest, ReplayTarget, RunMode};
pub use self::transaction_query::{Cursor, Page, TransactionQuery};
pub(crate) use self::write_health::WriteHealth;
use crate::models::{
    Amount, BeginOperation, BeginResult, Customer, DeliveryId, EcommerceId, Event, OperationResult, PaymentKey,
    ReferenceNumber, RefundId, RefundRecord, ReportedRefund, Sender, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{Acknowledgement, AttemptRecord, ClaimId, ClaimPermit, DeliveryRecord, Outbox, SuspectPermit};
use crate::receiver::Database;
use crate::util::clock::Clock;

/// The answer of the store.
pub(crate) type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// What a backend does.
///
/// Names follow one scheme: `find` and `list` read; `claim` leases the due rows of a queue to this process; `next` says
/// when a queue's next row is due. A write is durable when its answer arrives. Times called `now` and `until` are the
/// process's steady clock; a backend converts them if it stores another clock's time.
pub(crate) trait Store: CheckoutStore + PaymentIntentStore + Send + Sync {
    /// What sort of database it is.
    fn database(&self) -> Database;

    /// Applies an observation of a payment to what is stored, and writes the payment with its events and deliveries, in one
    /// transaction. Deliveries that get a permit are handed to the outbox right after the commit, even when the caller has
    /// gone away.
    fn record(&self, observation: Observation) -> StoreFuture<'_, Recorded>;

    /// Claims due deliveries, of each receiver longest due first: at most one for each permit, at most one suspect, and none
    /// that runs here already, even if its lease has ended. They are handed to the outbox right after the commit. Returns how
    /// many.
    fn claim_deliveries(&self, claim: Claim) -> StoreFuture<'_, usize>;

    /// Whether a delivery that can run here is due; see [`Claim::runnable`].
    fn has_due_deliveries(&self, now: Timestamp, runnable: Vec<String>) -> StoreFuture<'_, bool>;

    /// Extends the leases of these claims.
    fn renew_leases(&self, running: Vec<(DeliveryId, ClaimId)>, until: Timestamp) -> StoreFuture<'_, ()>;

    /// Stores how an attempt ended. A success always counts; anything else only for the latest claim, while it runs.
    fn acknowledge(&self, acknowledgement: Acknowledgement) -> StoreFuture<'_, ()>;

    /// Whether a transaction of the program's own has committed that completed the delivery for this claim.
    fn is_completed(&self, delivery: DeliveryId, claim: ClaimId) -> StoreFuture<'_, bool>;

    /// Deliveries, for people.
    fn list_deliveries(&self, query: DeliverySelection) -> StoreFuture<'_, Vec<DeliveryRecord>>;

    /// The failed attempts at a delivery, and a success after one; oldest first.
    fn list_attempts(&self, of: DeliveryId) -> StoreFuture<'_, Vec<AttemptRecord>>;

    /// Deliveries, newest first.
    fn list_matching_deliveries(&self, query: DeliveryQuery) -> StoreFuture<'_, DeliveryPage>;

    /// How many deliveries match, by their state.
    fn count_deliveries(&self, query: DeliveryQuery) -> StoreFuture<'_, DeliveryCounts>;

    /// Dismisses a delivery that is dead or due.
    fn dismiss(&self, dismissal: Dismissal) -> StoreFuture<'_, Result<DeliveryRecord, DismissError>>;

    /// Makes deliveries due again, or inserts those that an event lacks.
    fn replay(&self, request: ReplayRequest) -> StoreFuture<'_, Result<Vec<DeliveryRecord>, ReplayError>>;

    /// Stores a message. A pending one is merged into the one that is pending for the same payment.
    /// [`StoreError::InboxFull`] when too many are pending and the payment isn't known.
    fn insert_message(&self, message: InboxMessage) -> StoreFuture<'_, ()>;

    /// Deletes the pending message of a payment, unless another one was merged into it since that version was read.
    fn delete_pending(&self, key: PaymentKey, version: i64) -> StoreFuture<'_, ()>;

    /// Takes due pending messages, longest due first. They are due again at `until`.
    fn claim_pending_messages(&self, now: Timestamp, until: Timestamp) -> StoreFuture<'_, Vec<InboxMessage>>;

    /// Stores copies of messages, and what became of pending ones. Keeps the newest of each lane.
    fn insert_messages(&self, batch: Arc<MessageBatch>) -> StoreFuture<'_, ()>;

    /// Copies of messages, newest first.
    fn list_messages(&self, query: MessageQuery) -> StoreFuture<'_, MessagePage>;

    /// Stores what became of a message that was run again.
    fn update_message(&self, message: ReprocessedMessage) -> StoreFuture<'_, ()>;

    /// When the next pending message is due.
    fn next_pending_message(&self) -> StoreFuture<'_, Option<Timestamp>>;

    /// Deletes old rows, a bounded number at a time. Returns whether there may be more.
    fn prune(&self, cutoffs: RetentionCutoffs) -> StoreFuture<'_, bool>;

    /// A payment, by any of its names.
    fn find(&self, selector: PaymentSelector) -> StoreFuture<'_, Option<Transaction>>;

    /// Stores the intent of an operation, with the payment locked, or says why it may not begin.
    fn begin_operation(&self, request: BeginOperation) -> StoreFuture<'_, BeginResult>;

    /// Stores how an operation ended.
    fn finish_operation(&self, result: OperationResult) -> StoreFuture<'_, ()>;

    /// Takes operations whose unknown outcome is due to be looked up. Each is due again after a growing pause.
    fn claim_unresolved_operations(&self, now: Timestamp) -> StoreFuture<'_, Vec<UnresolvedOperation>>;

    /// When the next unresolved operation is due.
    fn next_unresolved_operation(&self) -> StoreFuture<'_, Option<Timestamp>>;

    /// Refunds, oldest first; those of one payment in the order of its ledger.
    fn list_refunds(&self, query: RefundQuery) -> StoreFuture<'_, Vec<RefundRecord>>;

    /// The newest completed payments of a customer, by phone or e-mail address, with a total of at least `amount`: at most
    /// [`MAX_MATCHING_PAYMENTS`].
    fn list_paid_by(&self, customer: Customer, amount: Amount) -> StoreFuture<'_, Vec<Transaction>>;

    /// Marks a pending refund as not done, unless its call is in flight. Returns whether it did.
    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Takes at most `limit` due polls of a lane. They are due again at `until`.
    fn claim_due_polls(
        &self,
        lane: PollLane,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> StoreFuture<'_, Vec<PollTask>>;

    /// Sets when a payment is polled next.
    fn reschedule_poll(&self, next: Reschedule) -> StoreFuture<'_, ()>;

    /// When the next poll of a lane is due.
    fn next_due_poll(&self, lane: PollLane) -> StoreFuture<'_, Option<Timestamp>>;

    /// Open payments of ours that match: none, one, or two if there are several.
    fn find_open_matching(&self, criteria: MatchCriteria) -> StoreFuture<'_, Vec<EcommerceId>>;

    /// Payments, newest first.
    fn list_payments(&self, query: TransactionQuery) -> StoreFuture<'_, Page>;

    /// The events of a payment, oldest first.
    fn list_events(&self, id: TransactionId) -> StoreFuture<'_, Vec<Event>>;

    /// The damaged rows that this process has met.
    fn damaged_rows(&self) -> Vec<DamagedRow>;

    /// What a person must look at, oldest first.
    fn list_problems(&self, query: ProblemQuery) -> StoreFuture<'_, Vec<Problem>>;

    /// How many problems there are of each sort.
    fn count_problems(&self, query: ProblemQuery) -> StoreFuture<'_, ProblemCounts>;

    /// Whether a problem has no alert yet, or an alert is due.
    fn has_due_alerts(&self, now: Timestamp, refunds_before: Timestamp) -> StoreFuture<'_, bool>;

    /// Inserts the alerts of new problems, and claims those that are due.
    fn claim_alerts(&self, claim: AlertClaim) -> StoreFuture<'_, Vec<Alert>>;

    /// Stores that an alert was reported, or when it is tried again.
    fn finish_alert(&self, outcome: AlertOutcome) -> StoreFuture<'_, ()>;

    /// Whether the database answers reads, and writes succeed; see [`write_health`].
    fn ping(&self) -> StoreFuture<'_, ()>;

    /// Refuses further writes, executes those that are queued, and closes the database.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// A payment as a source has seen it, to be recorded.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) observed: Transaction,
    pub(crate) sender: Sender,
    pub(crate) auth_token: Option<SecretString>,
    /// What the provider reports about its refunds.
    pub(crate) reported: Vec<ReportedRefund>,
    pub(crate) origin: Origin,
}

impl Observation {
    /// Of a payment as it was just seen, without anything about single refunds.
    pub(crate) fn new(observed: Transaction, sender: Sender) -> Self {
        Self { observed, sender, auth_token: None, reported: Vec::new(), origin: Origin::Lookup }
    }
}

/// Where an observation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A lookup or a message. It may be older than what is stored.
    Lookup,
    /// The provider's report, which corrects what is stored.
    Reconciliation,
    /// A person has accepted the observed total, which isn't the expected one.
    Acceptance,
}

/// A claim of deliveries that this process can run.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) id: ClaimId,
    pub(crate) now: Timestamp,
    pub(crate) lease_until: Timestamp,
    /// `signal:receiver`, for each signal of each receiver of this process: a process of another version may have others.
    pub(crate) runnable: Vec<String>,
    /// One for each delivery that may be claimed.
    pub(crate) permits: Vec<ClaimPermit>,
    /// None while a suspect runs here.
    pub(crate) suspect: Option<SuspectPermit>,
}

/// Which deliveries to list: the dead ones, those due before a time that can't run here, or one.
#[derive(Debug, Clone)]
pub(crate) enum DeliverySelection {
    Dead,
    Orphaned { due_before: Timestamp, runnable: Vec<String> },
    One(DeliveryId),
}

/// How many payments of a customer are listed.
pub(crate) const MAX_MATCHING_PAYMENTS: u32 = 8;

/// Which refunds to list.
#[derive(Debug, Clone)]
pub(crate) enum RefundQuery {
    One(RefundId),
    Of(TransactionId),
    /// Those that were requested at this time or before, and have no known outcome.
    Pending {
        until: Timestamp,
    },
    /// Those with a reference number of their own.
    Reference(ReferenceNumber),
}

/// Rows that are older than these times are deleted.
/// `deliveries` is a steady time, as the time at which a delivery ended is; the others are times of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetentionCutoffs {
    pub(crate) tokens: Timestamp,
    pub(crate) deliveries: Timestamp,
    /// Copies of recorded and of pending messages.
    pub(crate) recorded_messages: Timestamp,
    /// Copies of refused and of unmatched messages.
    pub(crate) refused_messages: Timestamp,
    /// Refunds that belong to no payment we know.
    pub(crate) unmatched: Timestamp,
    pub(crate) pushes: Timestamp,
}

/// The least id of a row that is inserted from that time on: ids begin with the time, in milliseconds since 1970.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
fn first_id_from(time: Timestamp) -> Uuid {
    let millis = u128::try_from(time.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

/// A payment as it was recorded, with the transitions that the recording fired.
///
/// ```
/// use athm_core::errors::RecordError;
/// use athm_core::{Athm, Sender, Transaction};
///
/// async fn record(athm: &Athm, verified: Transaction) -> Result<(), RecordError> {
///     let recorded = athm.record(verified, Sender::new("kiosk")).await?;
///     println!("{}: {} new events", recorded.transaction().id(), recorded.events().len());
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub(crate) transaction: Transaction,
    pub(crate) events: Vec<Event>,
}

impl Recorded {
    /// The payment as it is stored now.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// The transitions that this recording fired; none if it brought nothing new.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

/// Which payment to find.
#[derive(Debug, Clone)]
pub(crate) enum PaymentSelector {
    Id(TransactionId),
    Key(PaymentKey),
}

/// What a backend works with.
pub(crate) struct StoreContext {
    pub(crate) policy: Policy,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    pub(crate) batching: Batching,
    pub(crate) damaged: DamagedRows,
    pub(crate) write_health: WriteHealth,
    pub(crate) pending_room: PendingRoom,
    /// The runtime of connections and of the writer: neither may depend on the caller's runtime.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a file has no connections"))]
    pub(crate) background: Handle,
}
