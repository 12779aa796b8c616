//! The handle that receivers are connected to and signals are sent through.

use std::sync::{Arc, PoisonError, RwLock};

use super::{News, ReceiverInfo, Registry, Report, run};
use crate::receiver::{Context, IntoOutcome, States};
use crate::{Sender, Signal, Transaction};

/// Sends signals to receivers, now and here: nothing is stored, nothing is tried again.
///
/// A clone is a handle to the same receivers. Most programs never name it: [`Athm`](crate::Athm) holds one of the
/// linked receivers. Tests make one of their own and so don't hear each other.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::{Amount, Dispatcher, Sender, Signal, Status, Transaction};
///
/// let dispatcher = Dispatcher::empty();
/// dispatcher.connect("print", [Signal::Completed], |context| {
///     println!("{} was paid", context.transaction().total());
/// })?;
///
/// let transaction = Transaction::builder(Status::Completed, Amount::from_cents(2500)).build();
/// let report = dispatcher.dispatch(&transaction, Sender::new("kiosk")).await;
/// assert!(report.is_ok());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Dispatcher {
    registry: Arc<RwLock<Arc<Registry>>>,
    states: Arc<States>,
}

impl Dispatcher {
    /// One with every `#[receiver]` that was linked into the program.
    #[must_use]
    pub fn linked() -> Self {
        Self::of(Registry::linked())
    }

    /// One that nobody listens to yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Registry::default())
    }

    fn of(registry: Registry) -> Self {
        Self { registry: Arc::new(RwLock::new(Arc::new(registry))), states: Arc::default() }
    }

    /// Gives its receivers a state that they may ask for with [`State<T>`](crate::State).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        Arc::make_mut(&mut self.states).insert(Arc::new(state));
        self
    }

    pub(crate) fn with_states(mut self, states: States) -> Self {
        Arc::make_mut(&mut self.states).extend(states);
        self
    }

    /// Connects a closure to signals, after all receivers of order 0 that are there already.
    ///
    /// # Errors
    ///
    /// [`AlreadyConnected`] when a receiver with that id is there: it stays.
    pub fn connect<F, R>(
        &self,
        id: impl Into<String>,
        signals: impl Into<Vec<Signal>>,
        receiver: F,
    ) -> Result<(), AlreadyConnected>
    where
        F: for<'a> Fn(&'a Context<'a>) -> R + Send + Sync + 'static,
        R: IntoOutcome,
    {
        let receiver = ReceiverInfo::closure(id, signals, receiver);
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        if registry.contains(receiver.id()) {
            return Err(AlreadyConnected { id: receiver.id().to_owned() });
        }
        *registry = Arc::new(registry.with([receiver]));
        Ok(())
    }

    /// Adds receivers without asking whether their ids are taken: `Athm` refuses that when it starts.
    pub(crate) fn add_all(&self, receivers: Vec<ReceiverInfo>) {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        *registry = Arc::new(registry.with(receivers));
    }

    /// Disconnects a receiver, linked ones too. `false` when there is none with that id.
    ///
    /// ```
    /// # use athm_core::{Dispatcher, Signal};
    /// let dispatcher = Dispatcher::empty();
    /// dispatcher.connect("print", [Signal::Completed], |_| ())?;
    /// assert!(dispatcher.disconnect("print"));
    /// assert!(!dispatcher.disconnect("print"));
    /// # Ok::<(), athm_core::AlreadyConnected>(())
    /// ```
    #[must_use = "`false` says that there was no such receiver"]
    pub fn disconnect(&self, id: &str) -> bool {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let connected = registry.contains(id);
        *registry = Arc::new(registry.without(id));
        connected
    }

    /// Whether anybody listens to the signal, from whichever sender.
    #[must_use]
    pub fn has_receivers(&self, signal: Signal) -> bool {
        self.snapshot().all().iter().any(|receiver| receiver.signals().contains(&signal))
    }

    /// Every receiver, in the order in which they start.
    #[must_use]
    pub fn receivers(&self) -> Vec<ReceiverInfo> {
        self.snapshot().all().to_vec()
    }

    /// Sends `received`, and when all its receivers have finished, the signal of the transaction's status.
    ///
    /// An open or confirmed payment has no signal yet: the report is empty. Receivers run in the caller's task: its
    /// spans and task-locals are visible in them. They are those that are connected as the dispatch begins.
    pub async fn dispatch(&self, transaction: &Transaction, sender: Sender) -> Report {
        let registry = self.snapshot();
        let mut report = Report::default();
        for &signal in transaction.signals() {
            let receivers: Vec<_> = registry.hearing(signal, &sender).collect();
            let news = News { transaction, signal, sender: &sender, states: &self.states };
            let results = run(news, &receivers).await;
            report.extend(signal, receivers.into_iter().cloned().zip(results));
        }
        report
    }

    /// The receivers as they are now: a dispatch is not changed by what they connect and disconnect.
    pub(crate) fn snapshot(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn states(&self) -> &States {
        &self.states
    }
}

/// A receiver with that id is there already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a receiver with the id {id:?} is connected already: choose another, or disconnect that one first")]
pub struct AlreadyConnected {
    id: String,
}

impl AlreadyConnected {
    /// The id that is taken.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
