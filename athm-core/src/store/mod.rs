//! Where payments, events, deliveries and waiting messages are kept.
//!
//! A backend reads, lets [`Policy::decide`] judge, and writes what it says, in one database transaction: no rule of
//! a payment's life is written in SQL.

mod decide;
mod error;
mod inbox;
mod query;
#[cfg(feature = "sqlite")]
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod writer;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;

pub use self::decide::Check;
pub(crate) use self::decide::Policy;
pub use self::error::StoreError;
pub(crate) use self::inbox::{Held, HeldAs, PaymentKey};
pub use self::query::{Cursor, Page, TransactionQuery};
use crate::delivery::{Ended, Outbox, Work};
use crate::{Clock, Event, Sender, Transaction, TransactionId};

/// An answer of the store's, in its own time.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// What every backend does.
///
/// Each write is durable when its answer comes. Those that wait at the same time may share one commit.
pub(crate) trait Store: Send + Sync {
    /// Reads the payment, applies what was seen of it, and writes it with its event and deliveries, as one step. The
    /// deliveries are handed to the outbox as soon as they are committed, whether or not the caller still waits.
    fn record(&self, record: Record) -> Answer<'_, Recorded>;

    /// Notes how deliveries ended.
    fn acknowledge(&self, ended: Vec<Ended>) -> Answer<'_, ()>;

    /// Keeps a message. A pending one takes the place of the one that waits for the same payment.
    fn hold(&self, held: Held) -> Answer<'_, ()>;

    /// Drops what waits for this payment.
    fn release(&self, key: PaymentKey) -> Answer<'_, ()>;

    /// Forgets the authorization secrets of payments opened before this, and what the inbox keeps too much of.
    fn tidy(&self, tokens_before: Timestamp) -> Answer<'_, ()>;

    /// Every delivery that has not ended, with its event and its transaction as it is now.
    fn unfinished(&self) -> Answer<'_, Vec<Work>>;

    /// The messages whose time has come, the longest waiting first.
    fn due(&self, now: Timestamp) -> Answer<'_, Vec<Held>>;

    /// When the next message's time comes.
    fn next_due(&self) -> Answer<'_, Option<Timestamp>>;

    /// A payment by any of its names.
    fn find(&self, by: By) -> Answer<'_, Option<Transaction>>;

    /// A payment that we opened, with the secret that authorizes it if it is still kept.
    fn ticket(&self, id: TransactionId) -> Answer<'_, Option<(Transaction, Option<SecretString>)>>;

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

/// Opens the database that the address names, and brings its tables up to date.
pub(crate) fn open(url: &str, policy: Policy, outbox: Outbox, clock: &Clock) -> Result<Arc<dyn Store>, StoreError> {
    let feature = match url.split_once("://") {
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => return Ok(Arc::new(sqlite::Sqlite::open(path, policy, outbox, clock)?)),
        #[cfg(not(feature = "sqlite"))]
        Some(("sqlite", _)) => "sqlite",
        Some(("postgres" | "postgresql", _)) => "postgres",
        _ => return Err(StoreError::Address { found: url.split('@').next_back().unwrap_or_default().to_owned() }),
    };
    Err(StoreError::Feature { feature })
}
