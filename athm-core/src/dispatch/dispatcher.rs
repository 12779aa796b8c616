//! The handle that receivers are connected to and signals are sent through.

use std::sync::Arc;

use super::already_connected::AlreadyConnected;
use super::receivers::Receivers;
use super::run::{RemainingReceivers, call_plain};
use super::{Connection, Registry, Report, ReportEntry, Snapshot};
use crate::models::{Sender, Signal, Transaction};
use crate::receiver::{Answer, Connected, Context, Receive, ReceiverInfo, ReceiverOptions, SignalContext, States};

/// Sends signals to receivers, now and here: nothing is stored, nothing is tried again.
///
/// A clone is a handle to the same receivers. Most programs never name it: [`Athm`](crate::Athm) holds one of the
/// linked receivers. A test makes one of its own, and runs no other test's receivers.
///
/// Receivers run in the caller's task: its spans and task-locals are visible in them, but for `blocking` ones, which see
/// the span. A dispatch is to those that are connected as it begins. They may connect, disconnect and dispatch as they
/// run: no lock is held meanwhile.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::dispatch::Dispatcher;
/// use athm_core::{Amount, Sender, Signal, Status, Transaction};
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
    receivers: Arc<Receivers>,
    states: Arc<States>,
}

impl Dispatcher {
    /// One with every `#[receiver]` that was linked into the program.
    ///
    /// Where the linker's list can't be used, because the program has two versions of athm-core, it is empty, and
    /// [`start`](crate::AthmBuilder::start) says why.
    #[must_use]
    pub fn linked() -> Self {
        Self::of(Registry::linked())
    }

    /// A dispatcher without receivers.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Registry::empty())
    }

    fn of(registry: &'static Registry) -> Self {
        Self { receivers: Arc::new(Receivers::of(registry)), states: Arc::default() }
    }

    /// Gives its receivers a state that they may ask for with [`State<T>`](crate::State).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.shared_state(Arc::new(state))
    }

    /// Gives its receivers a state that has other owners too, or one behind a trait: a test's fake.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use athm_core::dispatch::Dispatcher;
    /// use athm_core::{State, receiver};
    ///
    /// trait Mailer: Send + Sync {
    ///     fn mail(&self, text: &str);
    /// }
    ///
    /// struct Silent;
    ///
    /// impl Mailer for Silent {
    ///     fn mail(&self, _text: &str) {}
    /// }
    ///
    /// #[receiver(completed)]
    /// fn thank(State(mailer): State<dyn Mailer>) {
    ///     mailer.mail("thank you");
    /// }
    ///
    /// let mailer: Arc<dyn Mailer> = Arc::new(Silent);
    /// let dispatcher = Dispatcher::linked().shared_state(mailer);
    /// ```
    #[must_use]
    pub fn shared_state<T: ?Sized + Send + Sync + 'static>(mut self, state: Arc<T>) -> Self {
        Arc::make_mut(&mut self.states).insert(state);
        self
    }

    pub(crate) fn with_states(mut self, states: States) -> Self {
        Arc::make_mut(&mut self.states).extend(states);
        self
    }

    /// Connects a closure to signals, after all receivers of the same order that are there already.
    ///
    /// `options` is the receiver's id, or [`ReceiverOptions`] for more. The closure returns what a function
    /// with `#[receiver]` may, or a future of it; the future owns what it needs. What is connected stays so until
    /// [`disconnect`](Self::disconnect), or until a [guard](Connection::disconnect_on_drop) is dropped.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use athm_core::dispatch::{Dispatcher, ReceiverOptions};
    /// use athm_core::{Signal, Transaction};
    ///
    /// # struct Shop; impl Shop { async fn ship(&self, _: Transaction) -> Result<(), std::io::Error> { Ok(()) } }
    /// # let shop = Arc::new(Shop);
    /// let dispatcher = Dispatcher::empty();
    /// dispatcher.connect("print", [Signal::Completed, Signal::Refunded], |context| {
    ///     println!("{}: {}", context.signal(), context.transaction().total());
    /// })?;
    /// dispatcher.connect(ReceiverOptions::new("ship").order(10), [Signal::Completed], move |context| {
    ///     let (shop, transaction) = (Arc::clone(&shop), context.transaction().clone());
    ///     async move { shop.ship(transaction).await }
    /// })?;
    /// # Ok::<(), athm_core::errors::AlreadyConnected>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AlreadyConnected`] when a receiver with that id is there: it stays.
    pub fn connect<F, R, Time>(
        &self,
        options: impl Into<ReceiverOptions>,
        signals: impl Into<Vec<Signal>>,
        closure: F,
    ) -> Result<Connection, AlreadyConnected>
    where
        F: for<'a> Fn(&'a Context<'a>) -> R + Send + Sync + 'static,
        R: Answer<Time>,
    {
        self.add(Connected::closure(options.into(), signals.into(), closure))
    }

    /// Connects an object that implements [`Receive`], or an async function, as [`connect`](Self::connect) does closures.
    ///
    /// # Errors
    ///
    /// [`AlreadyConnected`] when a receiver with that id is there: it stays.
    pub fn connect_receiver(
        &self,
        options: impl Into<ReceiverOptions>,
        signals: impl Into<Vec<Signal>>,
        receiver: impl Receive,
    ) -> Result<Connection, AlreadyConnected> {
        self.add(Connected::object(options.into(), signals.into(), receiver))
    }

    fn add(&self, connected: Connected) -> Result<Connection, AlreadyConnected> {
        let connected = Arc::new(connected);
        let connection =
            Connection { receivers: Arc::downgrade(&self.receivers), connected: Arc::downgrade(&connected) };
        self.receivers.add(ReceiverInfo::connected(connected)).map(|()| connection)
    }

    /// Adds receivers without asking whether their ids are taken: `Athm` refuses that when it starts.
    pub(crate) fn add_all(&self, receivers: Vec<Connected>) {
        let receivers = receivers.into_iter().map(|connected| ReceiverInfo::connected(Arc::new(connected)));
        self.receivers.add_all(receivers.collect());
    }

    /// Disconnects a receiver, linked ones too. `false` when there is none with that id.
    ///
    /// ```
    /// # use athm_core::dispatch::Dispatcher;
    /// # use athm_core::Signal;
    /// let dispatcher = Dispatcher::empty();
    /// dispatcher.connect("print", [Signal::Completed], |_| ())?;
    /// assert!(dispatcher.disconnect("print"));
    /// assert!(!dispatcher.disconnect("print"));
    /// # Ok::<(), athm_core::errors::AlreadyConnected>(())
    /// ```
    #[must_use = "`false` says that there was no such receiver"]
    pub fn disconnect(&self, id: &str) -> bool {
        self.receivers.remove(id, |_| true)
    }

    /// Whether any receiver listens to the signal, from any sender.
    #[must_use]
    pub fn has_receivers(&self, signal: Signal) -> bool {
        !self.receivers.now().of_signal(signal).is_empty()
    }

    /// Every receiver, in the order in which they start.
    #[must_use]
    pub fn receivers(&self) -> Vec<ReceiverInfo> {
        self.receivers.now().all().to_vec()
    }

    /// Sends `received`, and when all its receivers have finished, the signal of the transaction's status.
    ///
    /// An open or confirmed payment has no signal yet: the report is empty.
    ///
    /// A receiver may dispatch, too. Where more than 64 dispatches are nested in each other, the innermost calls
    /// no receiver: each has failed with [`Failure::TooDeep`](crate::dispatch::Failure::TooDeep).
    ///
    /// Dropping the future, as a timeout or `select!` does, ends the dispatch where it is. Receivers that wait at an
    /// `.await` are dropped there; those that haven't started never run; a `blocking` one that has begun runs to its end.
    /// Nothing is logged or reported of any of them.
    pub async fn dispatch(&self, transaction: &Transaction, sender: Sender) -> Report {
        let (receivers, signals) = (self.receivers.now(), transaction.signals());
        let (mut failed, mut skipped) = (Vec::new(), Vec::new());
        for &signal in signals.iter().filter(|signal| !receivers.of_signal(**signal).is_empty()) {
            let signal_context = self.signal_context(signal, transaction, &sender);
            let listening = receivers.of_signal(signal);
            if let Some(stop) = call_plain(&signal_context, listening) {
                let mut rest = RemainingReceivers::from(stop, &signal_context, listening);
                failed.append(&mut (&mut rest).await);
                skipped.append(&mut rest.skipped);
            }
        }
        Report::new(receivers, signals, sender, failed, skipped)
    }

    /// Sends one signal, and returns the receivers that failed, as they did: Django's `send_robust`, where only the
    /// failures are returned. Where all receivers are sync and succeed, it allocates nothing.
    ///
    /// The signal isn't compared with the transaction's status: [`dispatch`](Self::dispatch) does that.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use athm_core::dispatch::Dispatcher;
    /// # use athm_core::{Amount, Sender, Signal, Status, Transaction};
    /// # let transaction = Transaction::builder(Status::Completed, Amount::from_cents(2500)).build();
    /// let dispatcher = Dispatcher::empty();
    /// dispatcher.connect("stock", [Signal::Completed], |_| Err("nothing left"))?;
    ///
    /// let failed = dispatcher.send_robust(Signal::Completed, &transaction, &Sender::new("kiosk")).await;
    /// assert_eq!(failed[0].receiver(), "stock");
    /// # Ok(()) }
    /// ```
    pub async fn send_robust(&self, signal: Signal, transaction: &Transaction, sender: &Sender) -> Vec<ReportEntry> {
        let (receivers, signal_context) = (self.receivers.now(), self.signal_context(signal, transaction, sender));
        let listening = receivers.of_signal(signal);
        let Some(stop) = call_plain(&signal_context, listening) else { return Vec::new() };
        let mut rest = RemainingReceivers::from(stop, &signal_context, listening);
        (&mut rest).await
    }

    fn signal_context<'a>(
        &'a self,
        signal: Signal,
        transaction: &'a Transaction,
        sender: &'a Sender,
    ) -> SignalContext<'a> {
        SignalContext { transaction, signal, sender, states: &self.states, event: None, delivery: None }
    }

    /// The receivers as they are now: a dispatch is not changed by what they connect and disconnect.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.receivers.now()
    }

    pub(crate) fn states(&self) -> &Arc<States> {
        &self.states
    }
}
