//! The options of a receiver that is connected at run time.

use std::sync::Arc;
use std::time::Duration;

use super::Condition;
use crate::models::{Sender, Transaction};

/// The options of a receiver that is connected at run time: those of the attribute, by the same names. What the attribute
/// refuses, such as more than 100 attempts, is taken as it is: there is no attribute that could be refused.
///
/// An id alone is enough where the defaults are right: `connect` takes anything that becomes options, such as `"stock"`.
///
/// ```
/// use athm_core::dispatch::{Dispatcher, ReceiverOptions};
/// use athm_core::{Sender, Signal};
///
/// let dispatcher = Dispatcher::empty();
/// let kiosk = ReceiverOptions::new("print").order(10).sender(Sender::new("kiosk"));
/// dispatcher.connect(kiosk, [Signal::Completed], |context| println!("{}", context.transaction().total()))?;
/// # Ok::<(), athm_core::errors::AlreadyConnected>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "options do nothing until a receiver is connected with them"]
pub struct ReceiverOptions {
    pub(super) id: String,
    pub(super) order: i32,
    pub(super) senders: Vec<Sender>,
    pub(super) attempts: Option<u32>,
    pub(super) backoff: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) concurrency: Option<u32>,
    pub(super) condition: Option<Condition>,
    pub(super) was: Vec<String>,
    pub(super) blocking: bool,
    pub(super) waits_for_customer: bool,
}

impl ReceiverOptions {
    /// Options of a receiver with that id, which is unique in the program.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            order: 0,
            senders: Vec::new(),
            attempts: None,
            backoff: None,
            timeout: None,
            concurrency: None,
            condition: None,
            was: Vec::new(),
            blocking: false,
            waits_for_customer: false,
        }
    }

    /// Lower ones finish before higher ones start; 0 unless given.
    pub fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }

    /// Listens to that sender, compared by value, and to others that are given so; to all unless one is given.
    pub fn sender(mut self, sender: Sender) -> Self {
        self.senders.push(sender);
        self
    }

    /// How often a durable delivery is tried in all, at least once. A dispatch by hand tries nothing again.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// How long the first pause between two attempts of a durable delivery may be; each further one may be four times as
    /// long. 5 s unless given.
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff = Some(first);
        self
    }

    /// At most that many of its durable deliveries run at once in a process, at least 1.
    pub fn concurrency(mut self, most: u32) -> Self {
        self.concurrency = Some(most.max(1));
        self
    }

    /// Runs it only for payments for which this is true: the attribute's `if`. It is asked before the commit that records an
    /// event, perhaps more than once, and where it is false, no delivery is made: so it does no I/O. A panic counts as false.
    ///
    /// ```
    /// use athm_core::Signal;
    /// use athm_core::dispatch::{Dispatcher, ReceiverOptions};
    ///
    /// let dispatcher = Dispatcher::empty();
    /// let mugs = ReceiverOptions::new("mugs").condition(|payment| payment.metadata_2() == "mug");
    /// dispatcher.connect(mugs, [Signal::Completed], |context| println!("{}", context.transaction().metadata_1()))?;
    /// # Ok::<(), athm_core::errors::AlreadyConnected>(())
    /// ```
    pub fn condition(mut self, condition: impl Fn(&Transaction) -> bool + Send + Sync + 'static) -> Self {
        self.condition = Some(Condition::Closure(Arc::new(condition)));
        self
    }

    /// An id that it was known by before: the deliveries that are stored under it are its own. It may have several.
    pub fn was(mut self, id: impl Into<String>) -> Self {
        self.was.push(id.into());
        self
    }

    /// How long a durable delivery may take each time. A dispatch by hand waits for as long as it takes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Runs it where it may block: on the blocking pool of the tokio runtime.
    pub fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }

    /// Delivers `completed` and `refunded` once the provider has named the customer, as a parameter `&Customer` of a function
    /// does; without a customer after half a day.
    pub fn wait_for_customer(mut self) -> Self {
        self.waits_for_customer = true;
        self
    }
}

impl From<&str> for ReceiverOptions {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for ReceiverOptions {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}
