//! What the integration tests share.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use athm_core::{Amount, Builder, Dispatcher, EcommerceId, Signal, Status, Transaction, TransactionBuilder};
use tempfile::TempDir;

/// A database of a test's own, gone when the test ends.
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

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

/// Notes what ran, in order.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    /// One that has noted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes one more.
    pub fn note(&self, what: impl Display) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_string());
    }

    /// What was noted so far.
    #[must_use]
    pub fn noted(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

/// A builder that believes what it is told, on that database.
pub fn trusting(database: &Database, dispatcher: Dispatcher) -> Builder {
    athm_core::Athm::builder().database_url(database.url()).trust_callbacks().dispatcher(dispatcher)
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
