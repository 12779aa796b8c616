//! Where payments, events, deliveries and waiting messages are kept.
//!
//! A backend reads, lets [`Policy::decide`] judge, and writes what it says, in one database transaction: no rule of
//! a payment's life is written in SQL.

mod batching;
mod decide;
mod errand;
mod error;
mod inbox;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod step;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::runtime::Handle;

pub(crate) use self::batching::Batching;
pub(crate) use self::decide::{Check, Policy};
pub(crate) use self::errand::{Errand, Errands, Likeness, NextTurn};
pub use self::error::{SharedError, StoreError};
pub(crate) use self::inbox::{Held, HeldAs, PaymentKey};
pub use self::query::{Cursor, Page, TransactionQuery};
use crate::delivery::{DeliveryRecord, Ended, Outbox, ReplayError, ReplayOf, Slot};
use crate::operations::{Beginning, Begun, Conclusion, Unsettled};
use crate::transaction::Told;
use crate::{
    Amount, Clock, Customer, DeliveryId, EcommerceId, Event, ReferenceNumber, RefundId, RefundRecord, Sender,
    Transaction, TransactionId,
};

/// An answer of the store's, in its own time.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// What every backend does.
///
/// Each write is durable when its answer comes. Those that wait at the same time may share one commit.
pub(crate) trait Store: Send + Sync {
    /// Reads the payment, applies what was seen of it, and writes it with its event and deliveries, as one step. The
    /// deliveries are handed to the outbox as soon as they are committed, whether or not the caller still waits.
    fn record(&self, record: Record) -> Answer<'_, Recorded>;

    /// Claims what is due, the longest waiting first, no more than there are slots for, and nothing that runs here
    /// already, whatever the clock says of its lease. What is claimed is handed to the
    /// outbox as soon as that is committed. Tells how many.
    fn claim(&self, claim: Claim) -> Answer<'_, usize>;

    /// Whether any of the deliveries that can be run here could be claimed now; see [`Claim::runnable`].
    fn has_due(&self, now: Timestamp, runnable: Vec<String>) -> Answer<'_, bool>;

    /// Holds on to what runs here.
    fn renew(&self, running: Vec<(DeliveryId, u32)>, until: Timestamp) -> Answer<'_, ()>;

    /// Notes how an attempt ended. A success counts however late; anything else only of the last attempt.
    fn acknowledge(&self, ended: Ended) -> Answer<'_, ()>;

    /// Deliveries to show to a person.
    fn deliveries(&self, which: DeliveryQuery) -> Answer<'_, Vec<DeliveryRecord>>;

    /// Makes deliveries due again, or makes them.
    fn replay(&self, replay: ReplayOf) -> Answer<'_, Result<Vec<DeliveryRecord>, ReplayError>>;

    /// Keeps a message. A pending one takes the place of the one that waits for the same payment.
    fn hold(&self, held: Held) -> Answer<'_, ()>;

    /// Drops what waits for this payment, if nothing has come since it was read.
    fn release(&self, key: PaymentKey, version: i64) -> Answer<'_, ()>;

    /// Forgets what is old enough, a small batch at a time. Tells whether there may be more.
    fn tidy(&self, before: Before) -> Answer<'_, bool>;

    /// The messages whose time has come, the longest waiting first. They are put off until then, so that nobody else
    /// asks about them too, and so that they come again if nothing is heard of them.
    fn pending(&self, now: Timestamp, until: Timestamp) -> Answer<'_, Vec<Held>>;

    /// When the next message's time comes.
    fn next_due(&self) -> Answer<'_, Option<Timestamp>>;

    /// A payment by any of its names.
    fn find(&self, by: By) -> Answer<'_, Option<Transaction>>;

    /// Writes down, under the payment's lock, that a call is about to be made, or says why it may not be.
    fn begin(&self, beginning: Beginning) -> Answer<'_, Begun>;

    /// Notes how a call ended.
    fn conclude(&self, conclusion: Conclusion) -> Answer<'_, ()>;

    /// Calls into whose unknown outcome it is time to look. They are put off, so that nobody else does so now.
    fn unsettled(&self, now: Timestamp) -> Answer<'_, Vec<Unsettled>>;

    /// When it is time to look into the next one.
    fn next_unsettled(&self) -> Answer<'_, Option<Timestamp>>;

    /// Refunds, oldest first; those of the ledger in its order.
    fn refunds(&self, which: RefundQuery) -> Answer<'_, Vec<RefundRecord>>;

    /// The newest completed payments of a customer, by phone or e-mail address, of which so much could be given back.
    fn paid_by(&self, customer: Customer, amount: Amount) -> Answer<'_, Vec<Transaction>>;

    /// Gives a refund up that wasn't done, unless its call is under way. Tells whether it was pending.
    fn give_up_refund(&self, id: RefundId, now: Timestamp) -> Answer<'_, bool>;

    /// Payments about which the provider is to be asked now. They are put off until then, so that nobody else has them
    /// too, and so that they come again if nothing is heard of them.
    fn errands(&self, now: Timestamp, until: Timestamp) -> Answer<'_, Vec<Errand>>;

    /// Says when a payment has its next turn.
    fn next_turn(&self, next: NextTurn) -> Answer<'_, ()>;

    /// When the next payment has its turn.
    fn next_errand(&self) -> Answer<'_, Option<Timestamp>>;

    /// Open payments of ours that are like that: none, one, or two if there are several.
    fn open_alike(&self, like: Likeness) -> Answer<'_, Vec<EcommerceId>>;

    /// Payments, newest first.
    fn list(&self, query: TransactionQuery) -> Answer<'_, Page>;

    /// The events of a payment, in their order.
    fn events(&self, id: TransactionId) -> Answer<'_, Vec<Event>>;

    /// Whether the database answers.
    fn ping(&self) -> Answer<'_, ()>;

    /// Stops taking writes, ends the connections and lets go of the database.
    fn close(&self) -> Answer<'_, ()>;
}

/// A payment as it was seen, to be recorded.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) observed: Transaction,
    pub(crate) sender: Sender,
    pub(crate) auth_token: Option<SecretString>,
    /// What the provider tells of its refunds.
    pub(crate) told: Vec<Told>,
    pub(crate) source: Source,
}

/// What is seen of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// How it stands: it may be late.
    News,
    /// What the provider's books say of it.
    Books,
}

/// What this process could run now.
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
pub(crate) struct Before {
    pub(crate) tokens: Timestamp,
    pub(crate) deliveries: Timestamp,
    pub(crate) refused: Timestamp,
    pub(crate) unmatched: Timestamp,
}

/// What recording made of it.
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
pub(crate) enum By {
    Id(TransactionId),
    Payment(PaymentKey),
}

/// What a store works with.
pub(crate) struct SetUp {
    pub(crate) policy: Policy,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    pub(crate) batching: Batching,
    /// Where a connection lives: nothing depends on the caller's runtime.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a file has no connections"))]
    pub(crate) house: Handle,
}

/// Opens the database that the address names, and brings its tables up to date.
#[cfg_attr(not(feature = "postgres"), expect(clippy::unused_async, reason = "a file is opened at once"))]
pub(crate) async fn open(url: &str, set_up: SetUp) -> Result<Arc<dyn Store>, StoreError> {
    match url.split_once("://") {
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => Ok(Arc::new(sqlite::Sqlite::open(path, set_up)?)),
        #[cfg(not(feature = "sqlite"))]
        Some(("sqlite", _)) => Err(StoreError::Feature { feature: "sqlite" }),
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(postgres::Postgres::open(url, set_up).await?)),
        #[cfg(not(feature = "postgres"))]
        Some(("postgres" | "postgresql", _)) => Err(StoreError::Feature { feature: "postgres" }),
        // No more of it is repeated: the rest may hold a password.
        Some((other, _)) => Err(not_ours(&format!("{other}://…"))),
        None => Err(not_ours("none of them")),
    }
}

fn not_ours(found: &str) -> StoreError {
    let reason = format!("expected one such as sqlite://athm.db or postgres://shop@localhost/shop, found {found}");
    StoreError::Address { reason }
}
