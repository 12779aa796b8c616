//! Calling one receiver, alone.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::only;
use crate::dispatch::Dispatcher;
use crate::models::{Amount, DeliveryId, Event, EventId, Refund, Sender, Signal, Transaction, Transition};
use crate::receiver;
use crate::receiver::{Context, Delivery, DeliveryClaim, Failure, ReceiverInfo, SignalContext, States};

/// Calls one linked receiver as a delivery would, with that payment and with fakes for what it asks for: no `Athm`,
/// no database, and no other receiver runs.
///
/// It is named by its id or by the end of it, as in [`only`]. The signal is the one that the payment's state fires, if the
/// receiver listens to it, else `received`; for a payment of which something has been given back it is `refunded` first.
///
/// ```standalone_crate
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use athm_core::{Amount, State, Transaction, UnexpectedTotal, receiver, testing};
///
/// struct Shop { price: Amount }
///
/// #[receiver(completed, id = "shop::fulfil")]
/// fn fulfil(transaction: &Transaction, State(shop): State<Shop>) -> Result<(), UnexpectedTotal> {
///     transaction.expect_total(shop.price)
/// }
///
/// let cheap = Transaction::sample().completed().total("1.00").build();
/// let failure = testing::call("fulfil", &cheap).state(Shop { price: Amount::from_cents(2500) }).await.unwrap_err();
/// assert_eq!(failure.to_string(), "expected a total of 25.00, but 1.00 was paid");
/// # }
/// ```
///
/// # Panics
///
/// When the name is that of no linked receiver, or of several.
#[track_caller]
pub fn call<'a>(receiver: &str, transaction: &'a Transaction) -> Call<'a> {
    let dispatcher = only([receiver]);
    let key = DeliveryId::new();
    Call {
        dispatcher,
        states: Arc::default(),
        transaction,
        signal: None,
        sender: None,
        refund: None,
        key,
        event: EventId::new(),
        attempt: 1,
        is_replay: false,
    }
}

/// One receiver that is about to be called: await it, or [`run`](Call::run) it as often as you like.
///
/// ```standalone_crate
/// # use athm_core::{Transaction, receiver, testing};
/// #[receiver(completed, id = "docs::call")]
/// fn fulfil(transaction: &Transaction) {}
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let paid = Transaction::sample().completed().build();
/// testing::call("docs::call", &paid).attempt(2).await.unwrap();
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is called until it is awaited or run"]
pub struct Call<'a> {
    dispatcher: Dispatcher,
    states: Arc<States>,
    transaction: &'a Transaction,
    signal: Option<Signal>,
    sender: Option<Sender>,
    refund: Option<Refund>,
    key: DeliveryId,
    event: EventId,
    attempt: u32,
    is_replay: bool,
}

impl<'a> Call<'a> {
    /// Gives it a state that it asks for with [`State<T>`](crate::State).
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.shared_state(Arc::new(state))
    }

    /// Gives it a state that the test holds, too, or one behind a trait: `Arc<dyn Mailer>` for `State<dyn Mailer>`.
    pub fn shared_state<T: ?Sized + Send + Sync + 'static>(mut self, state: Arc<T>) -> Self {
        Arc::make_mut(&mut self.states).insert(state);
        self
    }

    /// Calls it for that signal.
    pub fn signal(mut self, signal: Signal) -> Self {
        self.signal = Some(signal);
        self
    }

    /// Calls it with that sender; [`Sender::CALLBACK`] or the one that it listens to, unless given.
    pub fn sender(mut self, sender: Sender) -> Self {
        self.sender = Some(sender);
        self
    }

    /// Makes it that attempt, from 1, of a delivery that is tried as often as the receiver says.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Makes it a replay.
    pub fn replay(mut self) -> Self {
        self.is_replay = true;
        self
    }

    /// The refund that it gets: for receivers of `&Refund`. Unless given, it is all that the sample was
    /// [`refunded`](crate::transactions::TransactionBuilder::refunded) at once.
    ///
    /// ```standalone_crate
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use athm_core::{Amount, Refund, Transaction, receiver, testing};
    ///
    /// #[receiver(refunded, id = "shop::give_back")]
    /// fn give_back(refund: &Refund) {
    ///     assert_eq!(refund.amount, Amount::from_cents(500));
    /// }
    ///
    /// let paid = Transaction::sample().refunded("5.00").build();
    /// testing::call("give_back", &paid).await.unwrap();
    ///
    /// let (second, both) = (Amount::from_cents(500), Amount::from_cents(2000));
    /// testing::call("give_back", &paid).refund(second, both).await.unwrap();
    /// # }
    /// ```
    pub fn refund(mut self, amount: Amount, total_refunded: Amount) -> Self {
        self.refund = Some(Refund { amount, total_refunded });
        self.signal = Some(Signal::Refunded);
        self
    }

    /// Calls it. Each run of the same `Call` has the same idempotency key, as each attempt at a delivery has: a
    /// receiver that is run twice should have worked once.
    ///
    /// ```standalone_crate
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::collections::HashSet;
    /// use std::sync::{Arc, Mutex};
    /// use athm_core::ids::DeliveryId;
    /// use athm_core::{Delivery, State, Transaction, receiver, testing};
    ///
    /// #[derive(Default)]
    /// struct Parcels(Mutex<HashSet<DeliveryId>>);
    ///
    /// #[receiver(completed, id = "ship")]
    /// fn ship(delivery: Delivery, State(parcels): State<Parcels>) {
    ///     parcels.0.lock().unwrap().insert(delivery.idempotency_key());
    /// }
    ///
    /// let (parcels, paid) = (Arc::new(Parcels::default()), Transaction::sample().completed().build());
    /// let ship = testing::call("ship", &paid).shared_state(Arc::clone(&parcels));
    /// ship.run().await?;
    /// ship.run().await?;
    /// assert_eq!(parcels.0.lock().unwrap().len(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The receiver's [`Failure`]: an error that it returned, a parameter that couldn't be given, or a panic.
    ///
    /// # Panics
    ///
    /// When it asks for a state that wasn't given, or listens neither to that signal nor to that sender, or its `if` is
    /// false: then the test is wrong.
    pub async fn run(&self) -> Result<(), Failure> {
        let registry = self.dispatcher.snapshot();
        let [receiver] = registry.all() else { panic!("one id for several: {}", registry.duplicates().join("; ")) };
        let missing = registry.missing(&self.states);
        assert!(missing.is_empty(), "{}", missing.join("\n"));
        let (signal, sender) = (self.signal_for(receiver), self.sender_for(receiver));
        assert!(
            receiver.accepts(self.transaction),
            "{receiver} doesn't run for this payment: its `if` is false, or panics"
        );
        let refund = match signal {
            Signal::Refunded => self.refund.or_else(|| self.all_at_once()),
            Signal::Received => self.refund,
            _ => None,
        };
        let delivery = Delivery {
            id: self.key,
            event_id: Some(self.event),
            attempt: self.attempt,
            attempts: receiver.attempts(),
            is_replay: self.is_replay,
            claim: DeliveryClaim::Pretended,
        };
        let event = self.event(refund, &sender);
        let signal_context = SignalContext {
            transaction: self.transaction,
            signal,
            sender: &sender,
            states: &self.states,
            event: event.as_ref(),
            delivery: Some(&delivery),
        };
        receiver::call(receiver, &Context { signal_context: &signal_context, receiver }).await
    }

    /// Calls it from a test that isn't async.
    ///
    /// ```standalone_crate
    /// use athm_core::{Transaction, receiver, testing};
    ///
    /// #[receiver(expired, id = "release")]
    /// async fn release() {}
    ///
    /// let expired = Transaction::sample().expired().build();
    /// assert!(testing::call("release", &expired).run_blocking().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Call::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Call::run), and within async code.
    pub fn run_blocking(&self) -> Result<(), Failure> {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.run()),
            Err(error) => panic!("no runtime to call a receiver on: {error}"),
        }
    }

    fn signal_for(&self, receiver: &ReceiverInfo) -> Signal {
        let is_named = |signal: &Signal| receiver.signals().contains(signal);
        let fired: Vec<Signal> = match self.signal {
            Some(signal) => vec![signal],
            None => {
                let refunded = self.all_at_once().map(|_| Signal::Refunded);
                self.transaction.signals().iter().copied().chain(refunded).collect()
            }
        };
        fired.iter().rev().copied().find(is_named).unwrap_or_else(|| {
            let names =
                |signals: &[Signal]| signals.iter().map(|signal| signal.as_str()).collect::<Vec<_>>().join(", ");
            let (status, listens) = (self.transaction.status(), names(receiver.signals()));
            match self.signal {
                Some(signal) => panic!("{receiver} listens to {listens}, not to {signal}"),
                None => panic!(
                    "{receiver} listens to {listens}, and a payment that is {status} fires {}: give it another, as \
                     `Transaction::sample().completed()`, or name a signal with `.signal(…)`",
                    if fired.is_empty() { "nothing".to_owned() } else { names(&fired) }
                ),
            }
        })
    }

    /// What happened to the payment: the refund, or the step into its state. `None` for a state that is no step's end.
    fn event(&self, refund: Option<Refund>, sender: &Sender) -> Option<Event> {
        let transition = refund.map(Transition::Refunded).or_else(|| Transition::into(self.transaction))?;
        Some(Event {
            id: self.event,
            transaction_id: self.transaction.id(),
            transition,
            sender: sender.clone(),
            rejection: None,
            created_at: self.transaction.updated_at(),
        })
    }

    /// The refund of a payment that was refunded once.
    fn all_at_once(&self) -> Option<Refund> {
        let amount = self.transaction.refunded_amount;
        (amount > Amount::ZERO).then_some(Refund { amount, total_refunded: amount })
    }

    fn sender_for(&self, receiver: &ReceiverInfo) -> Sender {
        let wanted = receiver.senders();
        match (&self.sender, wanted.first()) {
            (None, None) => Sender::CALLBACK,
            (None, Some(first)) => first.clone(),
            (Some(given), Some(_)) if !wanted.contains(given) => {
                let wanted = wanted.iter().map(Sender::as_str).collect::<Vec<_>>().join(", ");
                panic!("{receiver} listens to the sender {wanted} alone, not to {given}")
            }
            (Some(given), _) => given.clone(),
        }
    }
}

impl<'a> IntoFuture for Call<'a> {
    type Output = Result<(), Failure>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { self.run().await }.boxed()
    }
}
