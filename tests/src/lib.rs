//! What the integration tests share.

use std::fmt::Display;
use std::time::Duration;

use athm_core::{
    Amount, Athm, Builder, Callback, Clock, Dispatcher, EcommerceId, Receipt, Sender, Signal, Status, Transaction,
    TransactionBuilder, testing,
};
use athm_simulator::{SimulatedPayment, Simulator};
use tempfile::TempDir;

/// The README's programs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Receivers of the edition before, in a crate that forbids what is unsafe.
///
/// ```edition2021
/// #![forbid(unsafe_code)]
///
/// use std::time::Duration;
///
/// use athm_actix::{Delivery, Dispatcher, Refund, State, Transaction, receiver};
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

#[cfg(feature = "postgres")]
mod postgres;
mod process;
mod scripted;
pub mod secrecy;
mod served;
mod till;

#[cfg(feature = "postgres")]
pub use self::postgres::PostgresDatabase;
pub use self::process::Process;
pub use self::scripted::{Asked, Script, Scripted};
pub use self::served::Served;
pub use self::till::{Till, TillFault};

/// An empty database of a test's own, gone when the test ends.
pub trait Backend: Default {
    /// Its address.
    fn url(&self) -> String;

    /// Changes what is in it, behind everybody's back.
    fn execute(&self, sql: &str);

    /// Lets time pass until what died processes held is anybody's. On a file that is so at the next start.
    fn end_leases(&self) {}
}

/// A file: [`Backend`] on SQLite.
#[derive(Debug)]
pub struct Database {
    folder: TempDir,
}

impl Database {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path())
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> String {
        self.folder.path().join("athm.db").display().to_string()
    }
}

impl Backend for Database {
    fn url(&self) -> String {
        Self::url(self)
    }

    fn execute(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.path()).expect("the file is there");
        connection.execute(sql, []).expect("it can be changed");
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

/// A client of plain HTTP on loopback, which follows no redirects.
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

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Notes what ran, in order, as texts.
#[derive(Debug, Clone)]
pub struct Recorder(testing::Recorder<String>);

impl Recorder {
    /// One that has noted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(testing::Recorder::default().timeout(PATIENCE))
    }

    /// Notes one more.
    pub fn note(&self, what: impl Display) {
        self.0.note(what.to_string());
    }

    /// What was noted so far.
    #[must_use]
    pub fn noted(&self) -> Vec<String> {
        self.0.noted()
    }

    /// Waits until so many were noted.
    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        self.0.wait_for(count).await
    }

    /// A dispatcher on which one receiver, `recorder`, notes every signal as `signal by sender`.
    #[must_use]
    pub fn listening(&self) -> Dispatcher {
        let (dispatcher, recorder) = (Dispatcher::empty(), self.clone());
        let note = move |context: &athm_core::Context<'_>| {
            recorder.note(format!("{} by {}", context.signal(), context.sender()))
        };
        dispatcher.connect("recorder", Signal::ALL, note).expect("nobody else is connected");
        dispatcher
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits for what other threads bring about.
pub async fn eventually(condition: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "it never came about");
}

/// Lets time pass, a second after another, until it has come about. The first minute passes in a moment; after that a
/// second takes longer, so that a busy machine keeps up with the clock.
pub async fn pass_until(clock: &Clock, condition: impl AsyncFn() -> bool) {
    let moments = std::iter::repeat_n(25, 60).chain(std::iter::repeat(250)).map(Duration::from_millis);
    let passed = tokio::time::timeout(PATIENCE, async {
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
    assert!(passed.await.is_ok(), "it never came about");
}

/// A dispatcher of those receivers linked into the tests whose ids begin so.
#[must_use]
pub fn linked(prefix: &str) -> Dispatcher {
    let dispatcher = Dispatcher::linked();
    for receiver in dispatcher.receivers() {
        let is_another_tests = !receiver.id().starts_with(prefix);
        assert!(!is_another_tests || dispatcher.disconnect(receiver.id()));
    }
    dispatcher
}

/// A builder that believes what it is told, on that database.
pub fn trusting(database: &impl Backend, dispatcher: Dispatcher) -> Builder {
    Athm::builder().database_url(database.url()).trust_callbacks().dispatcher(dispatcher)
}

/// The nth of a test's tickets.
#[must_use]
pub fn ticket(n: u32) -> EcommerceId {
    uuid::Uuid::from_u128(0x5d0c_2f3a_9b1e_11ef_8a6b_0242_ac12_0000 + u128::from(n)).into()
}

/// A payment of 25.00 with the nth ticket, in that state.
pub fn payment(n: u32, status: Status) -> TransactionBuilder {
    Transaction::builder(status, Amount::from_cents(2500)).ecommerce_id(ticket(n)).metadata_1(format!("order-{n}"))
}

/// A business with a provider: what is recorded is what the simulator says.
#[derive(Debug)]
pub struct Business<D = Database> {
    /// The stand-in for the provider.
    pub simulator: Simulator,
    /// The handle under test.
    pub athm: Athm,
    /// What its one receiver has noted.
    pub recorder: Recorder,
    /// Its time, which stands still.
    pub clock: Clock,
    database: D,
    again: fn(Builder) -> Builder,
}

impl<D: Backend> Business<D> {
    /// Opens one, on an empty database.
    pub async fn open() -> Self {
        Self::open_with(|builder| builder).await
    }

    /// Opens one that is set up in some other way. It asks the provider about messages alone.
    pub async fn open_with(adapt: impl FnOnce(Builder) -> Builder) -> Self {
        Self::start(|builder| adapt(builder.without_sweeper()), Builder::without_sweeper).await
    }

    /// Opens one that also asks about payments of which no message tells.
    pub async fn sweeping(adapt: fn(Builder) -> Builder) -> Self {
        Self::start(adapt, adapt).await
    }

    async fn start(adapt: impl FnOnce(Builder) -> Builder, again: fn(Builder) -> Builder) -> Self {
        let (simulator, database, recorder, clock) =
            (Simulator::start().await.expect("a simulator"), D::default(), Recorder::new(), Clock::manual());
        let builder = adapt(verifying(&simulator, &database, recorder.listening()).clock(clock.clone()));
        let athm = builder.start().await.expect("it starts");
        Self { simulator, athm, recorder, clock, database, again }
    }

    /// Stops it, and starts it again on the same database.
    pub async fn restart(&mut self) {
        self.athm.shutdown(PATIENCE).await;
        let builder = (self.again)(verifying(&self.simulator, &self.database, self.recorder.listening()));
        self.athm = builder.clock(self.clock.clone()).start().await.expect("it starts again");
    }

    /// Stops it.
    pub async fn stop(&self) {
        self.athm.shutdown(PATIENCE).await;
    }

    /// Its database.
    pub fn database(&self) -> &D {
        &self.database
    }

    /// A callback comes in.
    pub async fn callback(&self, body: serde_json::Value) -> Receipt {
        self.message(body, Sender::CALLBACK).await
    }

    /// A webhook comes in.
    pub async fn webhook(&self, body: serde_json::Value) -> Receipt {
        self.message(body, Sender::WEBHOOK).await
    }

    async fn message(&self, body: serde_json::Value, sender: Sender) -> Receipt {
        let body = body.to_string().into_bytes();
        let callback = Callback::parse("application/json", &body).expect("a message that can be read");
        self.athm.receive(callback, sender, body).await.expect("it is durable")
    }

    /// Waits until nothing runs, and tells what was noted.
    pub async fn noted(&self) -> Vec<String> {
        self.athm.idle().await;
        self.recorder.noted()
    }

    /// Waits for what other threads bring about.
    pub async fn eventually(&self, condition: impl Fn() -> bool) {
        eventually(async || condition()).await;
    }

    /// How often the provider was asked at that path, and has answered.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        // What has only just come may still fail, or not, as the test says next.
        let requests = self.simulator.requests();
        requests.iter().filter(|request| request.status.is_some() && request.path.ends_with(path)).count()
    }
}

/// A builder that asks the simulator.
pub fn verifying(simulator: &Simulator, database: &impl Backend, dispatcher: Dispatcher) -> Builder {
    let builder = Athm::builder().tokens(secrecy::TOKENS[0], secrecy::TOKENS[1]).api_url(simulator.url());
    builder.database_url(database.url()).dispatcher(dispatcher)
}

/// A completed payment of 25.00, for the simulator's books.
#[must_use]
pub fn paid() -> SimulatedPayment {
    SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed).metadata_1("order-7")
}
