//! Fixtures and helpers of the integration tests.

use std::fmt::Display;
use std::time::Duration;

use athm_core::dispatch::Dispatcher;
use athm_core::ids::EcommerceId;
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::transactions::TransactionBuilder;
use athm_core::{Amount, Athm, AthmBuilder, Message, MessageResult, Sender, Signal, Status, Transaction, testing};
use athm_simulator::{SimulatedPayment, Simulator};
use tempfile::TempDir;

/// The README's programs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Receivers in a crate of the previous edition that forbids unsafe code.
///
/// ```edition2021
/// #![forbid(unsafe_code)]
///
/// use std::time::Duration;
///
/// use athm_actix::dispatch::Dispatcher;
/// use athm_actix::{Delivery, Refund, State, Transaction, receiver};
///
/// #[receiver(completed, attempts = 3, timeout = "2m", blocking)]
/// #[receiver(expired, id = "release", order = -1)]
/// fn fulfil(transaction: &Transaction, State(_): State<Vec<u8>>) -> Result<(), std::io::Error> {
///     Err(std::io::Error::other(transaction.metadata_1().to_owned()))
/// }
///
/// #[receiver(refunded)]
/// async fn give_back<'a>(refund: &'a Refund, delivery: Delivery) {
///     println!("{}: {}", delivery.idempotency_key(), refund.amount);
/// }
///
/// let receivers = Dispatcher::linked().receivers();
/// assert_eq!(receivers.len(), 3);
/// assert!(receivers.iter().any(|receiver| receiver.timeout() == Duration::from_secs(120)));
/// ```
#[cfg(doctest)]
pub struct EditionBefore;

mod merchant;
mod pace;
#[cfg(feature = "postgres")]
mod postgres;
mod process;
mod run_database;
mod scripted_provider;
pub mod secrecy;
mod server;
mod trouble;

pub use self::merchant::{MerchantFault, MerchantFixture};
pub use self::pace::Pace;
#[cfg(feature = "postgres")]
pub use self::postgres::{HeldTransaction, PostgresDatabase};
pub use self::process::Process;
pub use self::run_database::{DatabaseKind, RunDatabase};
pub use self::scripted_provider::{ProviderScript, RecordedRequest, ScriptedProvider};
pub use self::server::TestServer;
pub use self::trouble::Trouble;

/// An empty database that one test owns. It is deleted when the test ends.
pub trait TestDatabase: Default {
    /// The database URL.
    fn url(&self) -> String;

    /// Executes SQL on a connection of its own.
    fn execute(&self, sql: &str);

    /// Ends the leases of killed processes. SQLite does so at the next start.
    fn end_leases(&self) {}
}

/// A file: [`TestDatabase`] on SQLite.
#[derive(Debug)]
pub struct SqliteDatabase {
    folder: TempDir,
}

impl SqliteDatabase {
    /// Creates an empty database.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The database URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path())
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> String {
        self.folder.path().join("athm.db").display().to_string()
    }
}

impl TestDatabase for SqliteDatabase {
    fn url(&self) -> String {
        Self::url(self)
    }

    fn execute(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.path()).expect("the file is there");
        connection.execute(sql, []).expect("it can be changed");
    }
}

impl Default for SqliteDatabase {
    fn default() -> Self {
        Self::new()
    }
}

/// An HTTP client for loopback that follows no redirects.
#[must_use]
pub fn http_client() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    client.redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// How long a test waits for a condition before it fails.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Records texts, in order: [`testing::Recorder`] with a longer timeout.
#[derive(Debug, Clone)]
pub struct TextRecorder(testing::Recorder<String>);

impl TextRecorder {
    /// Creates an empty recorder.
    #[must_use]
    pub fn new() -> Self {
        Self(testing::Recorder::default().timeout(WAIT_TIMEOUT))
    }

    /// Records a text.
    pub fn note(&self, what: impl Display) {
        self.0.note(what.to_string());
    }

    /// The texts so far.
    #[must_use]
    pub fn noted(&self) -> Vec<String> {
        self.0.noted()
    }

    /// Waits until `count` texts are recorded.
    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        self.0.wait_for(count).await
    }

    /// A dispatcher with one receiver, `recorder`, which records every signal as `signal by sender`.
    #[must_use]
    pub fn listening(&self) -> Dispatcher {
        let (dispatcher, recorder) = (Dispatcher::empty(), self.clone());
        let note = move |context: &athm_core::Context<'_>| {
            recorder.note(format!("{} by {}", context.signal(), context.sender()))
        };
        dispatcher.connect("recorder", Signal::ALL, note).expect("the dispatcher is empty");
        dispatcher
    }
}

impl Default for TextRecorder {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits until the condition holds.
///
/// # Panics
///
/// After a minute.
pub async fn eventually(condition: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(WAIT_TIMEOUT, async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "the condition never held");
}

/// Advances the clock second by second until the condition holds. Each of the first 60 seconds lasts up to 25 ms, each
/// later one up to 250 ms, so that a busy machine keeps up with the clock.
///
/// # Panics
///
/// After a minute of real time.
pub async fn advance_until(clock: &Clock, condition: impl AsyncFn() -> bool) {
    let moments = std::iter::repeat_n(25, 60).chain(std::iter::repeat(250)).map(Duration::from_millis);
    let passed = tokio::time::timeout(WAIT_TIMEOUT, async {
        for moment in moments {
            clock.advance(Duration::from_secs(1));
            let waited = tokio::time::timeout(moment, async {
                while !condition().await {
                    tokio::task::yield_now().await;
                }
            });
            if waited.await.is_ok() {
                return;
            }
        }
    });
    assert!(passed.await.is_ok(), "the condition never held");
}

/// A dispatcher with the linked receivers whose ids start with `prefix`.
#[must_use]
pub fn linked_dispatcher(prefix: &str) -> Dispatcher {
    let dispatcher = Dispatcher::linked();
    for receiver in dispatcher.receivers() {
        let is_of_another_test = !receiver.id().starts_with(prefix);
        assert!(!is_of_another_test || dispatcher.disconnect(receiver.id()));
    }
    dispatcher
}

/// A builder on that database, without verification of messages.
pub fn trusting_builder(database: &impl TestDatabase, dispatcher: Dispatcher) -> AthmBuilder {
    Athm::builder().database_url(database.url()).trust_callbacks().dispatcher(dispatcher)
}

/// The `n`th id of a test.
#[must_use]
pub fn ecommerce_id(n: u32) -> EcommerceId {
    uuid::Uuid::from_u128(0x5d0c_2f3a_9b1e_11ef_8a6b_0242_ac12_0000 + u128::from(n)).into()
}

/// A payment of 25.00 with the `n`th id, in that status.
pub fn payment(n: u32, status: Status) -> TransactionBuilder {
    Transaction::builder(status, Amount::from_cents(2500))
        .ecommerce_id(ecommerce_id(n))
        .metadata_1(format!("order-{n}"))
}

/// A merchant whose provider is the simulator.
#[derive(Debug)]
pub struct SimulatorFixture<D = SqliteDatabase> {
    /// The simulator of the provider.
    pub simulator: Simulator,
    /// The handle under test.
    pub athm: Athm,
    /// What the receiver recorded.
    pub recorder: TextRecorder,
    /// A manual clock: only the test advances it.
    pub clock: Clock,
    database: D,
    again: fn(AthmBuilder) -> AthmBuilder,
}

impl<D: TestDatabase> SimulatorFixture<D> {
    /// Starts a handle on an empty database, without the sweeper.
    pub async fn open() -> Self {
        Self::open_with(|builder| builder).await
    }

    /// Starts a handle with the builder adapted, without the sweeper.
    pub async fn open_with(adapt: impl FnOnce(AthmBuilder) -> AthmBuilder) -> Self {
        Self::start(|builder| adapt(builder.without_sweeper()), AthmBuilder::without_sweeper).await
    }

    /// Starts a handle with the builder adapted, with the sweeper.
    pub async fn open_with_sweeper(adapt: fn(AthmBuilder) -> AthmBuilder) -> Self {
        Self::start(adapt, adapt).await
    }

    async fn start(adapt: impl FnOnce(AthmBuilder) -> AthmBuilder, again: fn(AthmBuilder) -> AthmBuilder) -> Self {
        let (simulator, database, recorder, clock) =
            (Simulator::start().await.expect("a simulator"), D::default(), TextRecorder::new(), Clock::manual());
        let builder = adapt(verifying_builder(&simulator, &database, recorder.listening()).clock(clock.clone()));
        let athm = builder.start().await.expect("it starts");
        Self { simulator, athm, recorder, clock, database, again }
    }

    /// Stops the handle and starts another one on the same database.
    pub async fn restart(&mut self) {
        self.athm.shutdown(WAIT_TIMEOUT).await;
        let builder = (self.again)(verifying_builder(&self.simulator, &self.database, self.recorder.listening()));
        self.athm = builder.clock(self.clock.clone()).start().await.expect("it starts again");
    }

    /// Stops the handle.
    pub async fn stop(&self) {
        self.athm.shutdown(WAIT_TIMEOUT).await;
    }

    /// The database.
    pub fn database(&self) -> &D {
        &self.database
    }

    /// Receives a callback.
    pub async fn callback(&self, body: serde_json::Value) -> MessageResult {
        self.message(body, Sender::CALLBACK).await
    }

    /// Receives a webhook.
    pub async fn webhook(&self, body: serde_json::Value) -> MessageResult {
        self.message(body, Sender::WEBHOOK).await
    }

    async fn message(&self, body: serde_json::Value, sender: Sender) -> MessageResult {
        let body = body.to_string().into_bytes();
        let callback = Message::parse("application/json", &body).expect("a message that can be read");
        self.athm.receive(callback, sender, body).await.expect("it is durable")
    }

    /// Waits until no delivery runs, and returns what the receiver recorded.
    pub async fn noted(&self) -> Vec<String> {
        self.athm.idle().await;
        self.recorder.noted()
    }

    /// Waits until the condition holds.
    pub async fn eventually(&self, condition: impl Fn() -> bool) {
        eventually(async || condition()).await;
    }

    /// How many requests the simulator has answered whose path ends with `path`.
    #[must_use]
    pub fn request_count(&self, path: &str) -> usize {
        // A request without an answer yet may still get the fault that the test injects next.
        let requests = self.simulator.requests();
        requests.iter().filter(|request| request.status.is_some() && request.path.ends_with(path)).count()
    }
}

/// A builder whose provider is the simulator.
pub fn verifying_builder(simulator: &Simulator, database: &impl TestDatabase, dispatcher: Dispatcher) -> AthmBuilder {
    let builder = Athm::builder().without_credential_check().tokens(secrecy::TOKENS[0], secrecy::TOKENS[1]);
    let builder = builder.api_url(simulator.url());
    builder.database_url(database.url()).dispatcher(dispatcher)
}

/// A completed payment of 25.00, to insert into the simulator.
#[must_use]
pub fn completed_payment() -> SimulatedPayment {
    SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed).metadata_1("order-7")
}
