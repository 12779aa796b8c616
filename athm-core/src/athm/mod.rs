//! The handle that holds it all.

mod alerts;
mod background;
mod builder;
mod check_receivers;
mod checkouts;
mod connect;
mod create_in;
mod credentials;
mod deliveries;
mod error;
mod messages;
mod open;
mod operations;
mod orphans;
mod parameter;
mod problems;
mod refresh;
mod refunds;
mod replay_all;
mod run_to_end;
mod runtimes;
mod start;
mod webhook_secret;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

pub use self::builder::AthmBuilder;
pub use self::checkouts::Checkouts;
pub use self::create_in::PaymentIntent;
pub use self::credentials::CredentialError;
pub use self::deliveries::{Deliveries, Replay};
pub use self::error::{ConfigError, RecordError, StartError};
pub use self::messages::Messages;
pub use self::problems::Problems;
pub use self::refresh::Refresh;
pub use self::refunds::Refunds;
pub use self::replay_all::{ReplayAll, ReplayProgress, ReplayedAll};
use self::run_to_end::RunToEnd;
use self::runtimes::{Background, Runtimes};
pub use self::webhook_secret::{WebhookSecret, WebhookSecretError};
use crate::callback::{Envelope, Message};
use crate::checkout::CheckoutOperations;
use crate::dispatch::Report;
use crate::inbox::{Inbox, MessageResult, VerifyError};
use crate::models::{EcommerceId, Event, PaymentKey, ReferenceNumber, Sender, Transaction, TransactionId};
use crate::operations::Operations;
use crate::provider::Client;
use crate::receiver::ReceiverInfo;
use crate::reconcile::Reconciliation;
use crate::store::{DamagedRow, Page, PaymentSelector, Recorded, Store, StoreError, TransactionQuery};
use crate::util::clock::Clock;
use crate::util::in_flight::InFlight;
use crate::util::schedule::RunRequests;
use crate::util::text::causes;
use crate::worker::Worker;

/// Receivers, payments and their delivery: everything of athm behind one handle.
///
/// A clone is the same handle. `athm_actix::scope` feeds messages into it; a program of any other sort can call
/// [`receive`](Athm::receive) itself.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::{Amount, Athm, NewPayment};
///
/// let athm = Athm::builder().env()?.start().await?;
/// let payment = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await?;
/// println!("open: {:?}", payment.ecommerce_id());
/// # athm.shutdown(std::time::Duration::from_secs(10)).await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Athm(Arc<Inner>, Option<Arc<Runtimes>>);

// The second field keeps athm's threads running. It is `None` in a handle that a receiver was given: when the program has
// dropped all of its own, the threads stop, whatever receivers have kept.
struct Inner {
    inbox: Inbox,
    worker: Worker,
    background: Background,
    runtimes: Weak<Runtimes>,
    /// `None` when callbacks are trusted.
    operations: Option<Operations>,
    /// The same.
    checkouts: Option<CheckoutOperations>,
    /// The tasks that poll, retry and recover.
    scheduled: Vec<RunRequests>,
    /// What must not be cut short by a shutdown.
    under_way: InFlight,
    orphaned_after: Duration,
    webhook_secrets: Vec<WebhookSecret>,
}

/// How long a shutdown waits for the copies of messages that are queued.
const COPIES_TIMEOUT: Duration = Duration::from_secs(2);

impl Athm {
    /// Starts to set it up.
    pub fn builder() -> AthmBuilder {
        AthmBuilder::default()
    }

    /// Takes in a message: asks the provider about the payment that it names, and records the answer.
    ///
    /// The message is durable, or its effect is, when this returns. Receivers run after that; this doesn't wait for
    /// them. It goes on to its end even if the caller stops waiting. `envelope` is the message as it came: its bytes, or these
    /// with the content type and the sender's address. A [copy](Self::messages) of it is stored.
    ///
    /// ```no_run
    /// # async fn from_a_queue(athm: athm_core::Athm, body: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    /// use athm_core::{Message, MessageResult, Sender};
    ///
    /// let callback = Message::parse("application/json", &body)?;
    /// match athm.receive(callback, Sender::new("queue"), body).await? {
    ///     MessageResult::Refused => println!("the provider says otherwise"),
    ///     result => println!("{}", result.as_str()),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it can't be made durable: the sender should try again.
    pub async fn receive(
        &self,
        message: Message,
        sender: Sender,
        envelope: impl Into<Envelope>,
    ) -> Result<MessageResult, StoreError> {
        let (inbox, envelope) = (self.0.inbox.clone(), envelope.into());
        let received = self.under_way(async move { inbox.receive(&message, sender, envelope).await });
        RunToEnd::new(received.boxed(), self.0.background.clone()).await.unwrap_or(Err(StoreError::Closed))
    }

    /// Asks the provider about the payment that a message names, and records nothing: for callbacks of your own.
    ///
    /// With callbacks trusted, what the message says is returned as it is.
    ///
    /// ```no_run
    /// # async fn mine(athm: athm_core::Athm, callback: athm_core::Message) -> Result<(), athm_core::errors::VerifyError> {
    /// use athm_core::Sender;
    ///
    /// let transaction = athm.verify(&callback).await?;
    /// println!("{} is {}", transaction.metadata_1(), transaction.status());
    /// let report = athm.dispatch(&transaction, Sender::new("mine")).await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: the message says what isn't so, or the provider can't confirm it now.
    pub async fn verify(&self, message: &Message) -> Result<Transaction, VerifyError> {
        let (inbox, message) = (self.0.inbox.clone(), message.clone());
        self.spawn(async move { inbox.verify(&message).await }).await.unwrap_or(Err(StoreError::Closed.into()))
    }

    /// Records a payment durably: deduplicated, and its receivers called after the commit.
    ///
    /// What is recorded is believed: have [`verify`](Self::verify) ask the provider first, unless you have it from the
    /// provider.
    ///
    /// ```no_run
    /// # async fn mine(athm: athm_core::Athm, callback: athm_core::Message) -> Result<(), Box<dyn std::error::Error>> {
    /// use athm_core::Sender;
    ///
    /// let transaction = athm.verify(&callback).await?;
    /// let recorded = athm.record(transaction, Sender::new("mine")).await?;
    /// println!("{} is {}", recorded.transaction().id(), recorded.transaction().status());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RecordError`]: it has neither an ecommerceId nor a reference number, or it can't be made durable.
    pub async fn record(&self, transaction: Transaction, sender: Sender) -> Result<Recorded, RecordError> {
        if transaction.ecommerce_id.is_none() && transaction.reference_number.is_none() {
            return Err(RecordError::Unidentified);
        }
        Ok(self.0.inbox.record(transaction, sender).await?)
    }

    /// Sends `received`, then the signal of the transaction's status: now, here, nothing stored.
    ///
    /// ```no_run
    /// # async fn by_hand(athm: athm_core::Athm, transaction: athm_core::Transaction) {
    /// let report = athm.dispatch(&transaction, athm_core::Sender::new("by hand")).await;
    /// for failure in report.failures() {
    ///     println!("{} failed", failure.receiver());
    /// }
    /// # }
    /// ```
    pub async fn dispatch(&self, transaction: &Transaction, sender: Sender) -> Report {
        self.0.worker.dispatcher.dispatch(transaction, sender).await
    }

    /// A payment by its id, which is athm's own.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>, StoreError> {
        self.0.inbox.store.find(PaymentSelector::Id(id)).await
    }

    /// A payment by the name that the provider gave it when it was opened.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn transaction_by_ecommerce_id(&self, id: &EcommerceId) -> Result<Option<Transaction>, StoreError> {
        self.0.inbox.store.find(PaymentSelector::Key(PaymentKey::Ecommerce(*id))).await
    }

    /// A payment by its reference number.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn transaction_by_reference(
        &self,
        reference: &ReferenceNumber,
    ) -> Result<Option<Transaction>, StoreError> {
        self.0.inbox.store.find(PaymentSelector::Key(PaymentKey::Reference(reference.clone()))).await
    }

    /// Payments, newest first, a page at a time.
    ///
    /// ```no_run
    /// # async fn today(athm: athm_core::Athm, midnight: jiff::Timestamp) -> Result<(), athm_core::errors::StoreError> {
    /// use athm_core::transactions::TransactionQuery;
    /// use athm_core::Status;
    ///
    /// let paid = TransactionQuery::new().status(Status::Completed).since(midnight).limit(50);
    /// for transaction in athm.transactions(paid).await?.transactions() {
    ///     println!("{} {}", transaction.metadata_1(), transaction.total());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn transactions(&self, query: TransactionQuery) -> Result<Page, StoreError> {
        self.0.inbox.store.list_payments(query).await
    }

    /// The events of a payment, oldest first.
    ///
    /// ```no_run
    /// # async fn history(athm: athm_core::Athm, id: athm_core::ids::TransactionId) -> Result<(), athm_core::errors::StoreError> {
    /// use athm_core::transactions::Transition;
    ///
    /// for event in athm.events(id).await? {
    ///     match event.transition() {
    ///         Transition::Refunded(refund) => println!("{}: {} was given back", event.created_at(), refund.amount),
    ///         other => println!("{}: {other:?}, by {}", event.created_at(), event.sender()),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn events(&self, id: TransactionId) -> Result<Vec<Event>, StoreError> {
        self.0.inbox.store.list_events(id).await
    }

    /// Every receiver, in the order in which they start.
    #[must_use]
    pub fn receivers(&self) -> Vec<ReceiverInfo> {
        self.0.worker.dispatcher.receivers()
    }

    /// The client of the provider's API; `None` when callbacks are trusted.
    #[must_use]
    pub fn provider(&self) -> Option<&Client> {
        self.0.inbox.lookup.as_ref().map(|lookup| &lookup.client)
    }

    /// The secrets that the last part of the webhook's address may be; empty when the address isn't secret.
    #[must_use]
    pub fn webhook_secrets(&self) -> &[WebhookSecret] {
        &self.0.webhook_secrets
    }

    /// Checks that payments can be recorded: the database answers, and the last write succeeded. If none did within the last
    /// ten seconds, this writes, at most once in ten seconds.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database doesn't answer or can't be written to: a full disk, for example.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.0.inbox.store.ping().await
    }

    /// The rows that this process couldn't read since it started, at most 1,000: edited by hand, or written by a newer
    /// version. They are skipped where many rows are read, and tried again every hour where they are due.
    #[must_use]
    pub fn damaged_rows(&self) -> Vec<DamagedRow> {
        self.store().damaged_rows()
    }

    /// Compares what is recorded with the provider's report of a time, to the second. What has not happened yet is left
    /// out.
    ///
    /// ```no_run
    /// # async fn last_day(athm: athm_core::Athm) -> Result<(), athm_core::errors::ReconcileError> {
    /// use athm_core::jiff::{Timestamp, ToSpan};
    ///
    /// let now = Timestamp::now();
    /// let done = athm.reconcile(now - 24.hours(), now).run().await?;
    /// println!("{} were missing", done.missing.len());
    /// # Ok(()) }
    /// ```
    pub fn reconcile(&self, from: Timestamp, until: Timestamp) -> Reconciliation<'_> {
        Reconciliation::new(&self.0.inbox, from, until)
    }

    /// Deliveries that need a person: dead ones, orphaned ones, and how to run one again.
    ///
    /// ```no_run
    /// # async fn count(athm: athm_core::Athm) -> Result<(), athm_core::errors::StoreError> {
    /// println!("{} deliveries are dead", athm.deliveries().dead().await?.len());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn deliveries(&self) -> Deliveries<'_> {
        Deliveries { athm: self }
    }

    /// Waits until nothing is left to do by now: for tests, and before a planned stop.
    ///
    /// That is: no receiver runs and none is due; the payments whose poll is due were looked up, and so were those of pending
    /// messages, of unresolved operations and of waiting checkouts; the copies of messages are stored. A delivery that is to be
    /// tried again later isn't due before its time, and neither is a lookup that the rate limit holds back. What receivers
    /// start with a handle of their own is waited for as well; so a receiver that calls this waits for itself.
    ///
    /// A test moves the time forward with [`Clock::advance`], and then waits here for what became due.
    pub async fn idle(&self) {
        let Inner { under_way, worker, scheduled, .. } = &*self.0;
        loop {
            let started = under_way.entered();
            under_way.wait_until_zero().await;
            join_all(scheduled.iter().map(RunRequests::run_now)).await;
            if let Err(error) = worker.idle().await {
                return tracing::error!(error = causes(&error), "whether anything is due couldn't be read");
            }
            if under_way.entered() == started {
                break;
            }
        }
        self.0.inbox.copies.flush().await;
    }

    /// Stops: claims nothing more, lets running receivers finish within the grace period, and closes the database.
    ///
    /// A delivery whose receiver hasn't started doesn't lose an attempt; one whose receiver hasn't finished runs again at
    /// the next start, or in another process.
    ///
    /// ```no_run
    /// # async fn stop(athm: athm_core::Athm) {
    /// athm.shutdown(std::time::Duration::from_secs(10)).await;
    /// # }
    /// ```
    pub async fn shutdown(&self, grace: Duration) {
        let deadline = Instant::now().checked_add(grace);
        let operations = || async {
            match deadline {
                Some(deadline) => timeout_at(deadline, self.0.under_way.wait_until_zero()).await.is_ok(),
                None => {
                    self.0.under_way.wait_until_zero().await;
                    true
                }
            }
        };
        join(operations(), self.0.worker.stop(grace)).await;
        // Receivers start calls up to their end.
        if !operations().await {
            tracing::warn!("calls to the provider were still under way at the end of the grace period");
        }
        if tokio::time::timeout(COPIES_TIMEOUT, self.0.inbox.copies.close()).await.is_err() {
            tracing::warn!("not all messages could be stored before the shutdown");
        }
        if let Err(error) = self.store().close().await {
            tracing::debug!(error = causes(&error), "the database was closed already");
        }
        if let Some(runtimes) = self.0.runtimes.upgrade() {
            runtimes.stop();
        }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.inbox.store
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.inbox.clock
    }

    pub(crate) fn orphaned_after(&self) -> Duration {
        self.0.orphaned_after
    }

    /// Has the worker look for what is due now.
    pub(crate) fn wake(&self) {
        self.0.worker.wake();
    }

    /// Runs something to its end in the background, whether or not the caller waits for it; `None` once stopped. Receivers
    /// call this, too: while they block their threads, what they have started goes on.
    async fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        // In a box, because spawning moves it several times, and such work has large states.
        self.0.background.handle.spawn(self.under_way(Box::pin(work))).await.ok()
    }

    /// The work in the caller's span, which counts as under way until it has ended.
    fn under_way<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        let operation = self.0.under_way.enter();
        // No async block: it would hold the work twice, as its capture and as what it awaits.
        work.inspect(move |_| drop(operation)).in_current_span()
    }
}

impl fmt::Debug for Athm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Athm")
            .field("receivers", &self.0.worker.dispatcher.receivers().len())
            .field("keeps_running", &self.1.is_some())
            .finish_non_exhaustive()
    }
}
