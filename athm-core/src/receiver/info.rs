//! One receiver, whichever way it came.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Answered, Condition, Connected, Context, Outcome, Parameter, Receiver, ReceiverFn, States, customer, pool,
};
use crate::models::{Sender, Signal, Transaction};

const ATTEMPTS: u32 = 10;
const BACKOFF: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the start-up log, a test or an admin page asks about one receiver.
///
/// ```
/// use athm_core::dispatch::Dispatcher;
/// use athm_core::receiver;
///
/// #[receiver(completed, id = "fulfil", order = 5)]
/// fn fulfil() {}
///
/// let receivers = Dispatcher::linked().receivers();
/// let fulfil = receivers.iter().find(|receiver| receiver.id() == "fulfil").expect("linked above");
/// assert_eq!(fulfil.order(), 5);
/// ```
#[derive(Clone)]
pub struct ReceiverInfo {
    registration: Registration,
    /// What is called without a further question: a linked sync function that listens to every sender,
    /// without a condition.
    pub(crate) plain: Option<Plain>,
}

pub(crate) type Plain = for<'a> fn(&'a Context<'a>) -> Outcome;

#[derive(Clone)]
enum Registration {
    Linked(&'static Receiver),
    Connected(Arc<Connected>),
}

impl ReceiverInfo {
    pub(crate) fn linked(receiver: &'static Receiver) -> Self {
        let plain = match (receiver.call, receiver.senders, receiver.condition) {
            (ReceiverFn::Sync(function), [], None) => Some(function),
            _ => None,
        };
        Self { registration: Registration::Linked(receiver), plain }
    }

    pub(crate) fn connected(connected: Arc<Connected>) -> Self {
        Self { registration: Registration::Connected(connected), plain: None }
    }

    /// Its name, unique in the program.
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.registration {
            Registration::Linked(receiver) => receiver.id,
            Registration::Connected(connected) => &connected.options.id,
        }
    }

    /// What it listens to.
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        match &self.registration {
            Registration::Linked(receiver) => receiver.signals,
            Registration::Connected(connected) => &connected.signals,
        }
    }

    /// Lower ones finish before higher ones start.
    #[must_use]
    pub fn order(&self) -> i32 {
        match &self.registration {
            Registration::Linked(receiver) => receiver.order,
            Registration::Connected(connected) => connected.options.order,
        }
    }

    /// The senders that it listens to; empty where it listens to all.
    #[must_use]
    pub fn senders(&self) -> Vec<Sender> {
        match &self.registration {
            Registration::Linked(receiver) => {
                receiver.senders.iter().map(|sender| Sender::from_static(sender.name())).collect()
            }
            Registration::Connected(connected) => connected.options.senders.clone(),
        }
    }

    /// The source file it stands in; `None` when it was connected at run time.
    #[must_use]
    pub fn file(&self) -> Option<&'static str> {
        self.source().map(|(file, _)| file)
    }

    /// The line it stands on; `None` when it was connected at run time.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.source().map(|(_, line)| line)
    }

    /// How often a durable delivery is tried in all.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        let given = match &self.registration {
            Registration::Linked(receiver) => receiver.attempts,
            Registration::Connected(connected) => connected.options.attempts,
        };
        given.unwrap_or(ATTEMPTS)
    }

    /// How long the first pause between two attempts of a durable delivery may be; each further one may be four times as
    /// long, up to 16 hours.
    #[must_use]
    pub fn backoff(&self) -> Duration {
        let given = match &self.registration {
            Registration::Linked(receiver) => receiver.backoff,
            Registration::Connected(connected) => connected.options.backoff,
        };
        given.unwrap_or(BACKOFF)
    }

    /// How many of its durable deliveries run at once in a process; `None` where only the slots limit them.
    #[must_use]
    pub fn concurrency(&self) -> Option<u32> {
        match &self.registration {
            Registration::Linked(receiver) => receiver.concurrency,
            Registration::Connected(connected) => connected.options.concurrency,
        }
    }

    /// Whether it runs for some payments only: it has an `if`.
    #[must_use]
    pub fn has_condition(&self) -> bool {
        self.condition().is_some()
    }

    /// The ids that it was known by before.
    pub fn was(&self) -> impl Iterator<Item = &str> {
        let (linked, connected): (&[&str], &[String]) = match &self.registration {
            Registration::Linked(receiver) => (receiver.was, &[]),
            Registration::Connected(connected) => (&[], &connected.options.was),
        };
        linked.iter().copied().chain(connected.iter().map(String::as_str))
    }

    /// Whether deliveries that are stored under that id are its own.
    pub(crate) fn is_known_as(&self, id: &str) -> bool {
        self.id() == id || self.was().any(|was| was == id)
    }

    /// How long a durable delivery may take each time.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        let given = match &self.registration {
            Registration::Linked(receiver) => receiver.timeout,
            Registration::Connected(connected) => connected.options.timeout,
        };
        given.unwrap_or(TIMEOUT)
    }

    /// Whether it runs on the blocking pool. Once begun, it can't be stopped.
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        match &self.registration {
            Registration::Linked(receiver) => matches!(receiver.call, ReceiverFn::Blocking(_)),
            Registration::Connected(connected) => connected.options.blocking,
        }
    }

    /// Whether its deliveries of that signal wait until the provider has named the customer.
    #[must_use]
    pub fn waits_for_customer(&self, signal: Signal) -> bool {
        let is_asked_for = match &self.registration {
            Registration::Linked(receiver) => receiver.parameters.iter().any(|parameter| parameter.waits_for_customer),
            Registration::Connected(connected) => connected.options.waits_for_customer,
        };
        is_asked_for && customer::SIGNALS.contains(&signal)
    }

    /// Calls it: the one place where it matters which way it came.
    #[inline]
    pub(crate) fn call<'a>(&'a self, context: &Context<'a>) -> Answered<'a> {
        match &self.registration {
            Registration::Linked(Receiver { call: ReceiverFn::Sync(function), .. }) => Answered::Now(function(context)),
            Registration::Linked(Receiver { call: ReceiverFn::Async(function), .. }) => {
                Answered::Later(function(*context))
            }
            Registration::Linked(Receiver { call: ReceiverFn::Blocking(_), .. }) => pool::call(self, context),
            Registration::Connected(connected) if connected.options.blocking => pool::call(self, context),
            Registration::Connected(connected) => connected.call(context),
        }
    }

    /// Calls it right here, also when it is one for the blocking pool.
    pub(crate) fn call_here<'a>(&'a self, context: &Context<'a>) -> Answered<'a> {
        match &self.registration {
            Registration::Linked(Receiver { call: ReceiverFn::Blocking(function), .. }) => {
                Answered::Now(function(context))
            }
            Registration::Linked(_) => self.call(context),
            Registration::Connected(connected) => connected.call(context),
        }
    }

    #[inline]
    pub(crate) fn listens_to(&self, sender: &Sender) -> bool {
        match &self.registration {
            Registration::Linked(Receiver { senders, .. }) => {
                senders.is_empty() || senders.iter().any(|wanted| wanted.name() == sender.as_str())
            }
            Registration::Connected(connected) => {
                let senders = &connected.options.senders;
                senders.is_empty() || senders.contains(sender)
            }
        }
    }

    /// Whether it runs for that payment.
    #[inline]
    pub(crate) fn accepts(&self, transaction: &Transaction) -> bool {
        self.condition().is_none_or(|condition| condition.holds(transaction, self.id()))
    }

    #[inline]
    pub(crate) fn condition(&self) -> Option<Condition> {
        match &self.registration {
            Registration::Linked(receiver) => receiver.condition.map(Condition::Function),
            Registration::Connected(connected) => connected.options.condition.clone(),
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.registration, &other.registration) {
            (Registration::Linked(mine), Registration::Linked(theirs)) => std::ptr::eq(*mine, *theirs),
            (_, Registration::Connected(theirs)) => {
                self.is_connected_as(|mine| std::ptr::eq(mine, Arc::as_ptr(theirs)))
            }
            (Registration::Connected(_), Registration::Linked(_)) => false,
        }
    }

    pub(crate) fn is_connected_as(&self, is_this: impl Fn(&Connected) -> bool) -> bool {
        matches!(&self.registration, Registration::Connected(connected) if is_this(connected))
    }

    /// The states that it asks for and that weren't given, a line each.
    pub(crate) fn missing(&self, states: &States) -> impl Iterator<Item = String> {
        self.parameters().iter().filter_map(move |parameter| {
            let missing = (parameter.check)(states).err()?;
            Some(format!("{self}: parameter `{}`: {missing}", parameter.name))
        })
    }

    /// Where it is compiled, without the crate that it is compiled into: the same for a module that two crates have. `None`
    /// where the receiver was given an id, by which alone it is known.
    pub(crate) fn place_in_any_crate(&self) -> Option<(&'static str, u32, &'static str)> {
        match &self.registration {
            Registration::Linked(receiver) if receiver.has_default_id => {
                let (_, path) = receiver.id.split_once("::")?;
                Some((receiver.file, receiver.line, path))
            }
            _ => None,
        }
    }

    pub(crate) fn parameters(&self) -> &'static [Parameter] {
        match &self.registration {
            Registration::Linked(receiver) => receiver.parameters,
            Registration::Connected(connected) => connected.parameters,
        }
    }

    fn source(&self) -> Option<(&'static str, u32)> {
        match &self.registration {
            Registration::Linked(receiver) => Some((receiver.file, receiver.line)),
            Registration::Connected(_) => None,
        }
    }
}

/// `shop::fulfil (src/orders.rs:12)`.
impl fmt::Display for ReceiverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source() {
            Some((file, line)) => write!(f, "{} ({file}:{line})", self.id()),
            None => write!(f, "{} (connected at run time)", self.id()),
        }
    }
}

impl fmt::Debug for ReceiverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverInfo")
            .field("id", &self.id())
            .field("signals", &self.signals())
            .field("order", &self.order())
            .field("senders", &self.senders())
            .field("source", &self.source())
            .finish_non_exhaustive()
    }
}
