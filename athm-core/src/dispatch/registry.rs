//! The receivers of a program: linked and connected, in their order.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::receiver::{Call, Context, IntoOutcome, Outcome, Parameter, Receiver, States, collected};
use crate::{Sender, Signal};

const ATTEMPTS: u32 = 10;
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the start-up log, a test or an admin page asks about one receiver.
///
/// ```
/// use athm_core::{Dispatcher, receiver};
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
    pub(super) id: Cow<'static, str>,
    pub(super) signals: Cow<'static, [Signal]>,
    order: i32,
    sender: Option<Sender>,
    source: Option<(&'static str, u32)>,
    parameters: &'static [Parameter],
    pub(super) callable: Callable,
}

/// How a receiver is called.
#[derive(Clone)]
pub(super) enum Callable {
    Linked(Call),
    Closure(Arc<Closure>),
}

type Closure = dyn for<'a> Fn(&'a Context<'a>) -> Outcome + Send + Sync;

impl ReceiverInfo {
    fn linked(receiver: &'static Receiver) -> Self {
        Self {
            id: receiver.id.into(),
            signals: receiver.signals.into(),
            order: receiver.order,
            sender: receiver.sender.map(Sender::from_static),
            source: Some((receiver.file, receiver.line)),
            parameters: receiver.parameters,
            callable: Callable::Linked(receiver.call),
        }
    }

    pub(crate) fn closure<F, R>(id: impl Into<String>, signals: impl Into<Vec<Signal>>, receiver: F) -> Self
    where
        F: for<'a> Fn(&'a Context<'a>) -> R + Send + Sync + 'static,
        R: IntoOutcome,
    {
        let closure = Arc::new(move |context: &Context<'_>| receiver(context).into_outcome());
        Self {
            id: id.into().into(),
            signals: signals.into().into(),
            order: 0,
            sender: None,
            source: None,
            parameters: &[],
            callable: Callable::Closure(closure),
        }
    }

    /// Its name, unique in the program.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it listens to.
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Lower ones finish before higher ones start.
    #[must_use]
    pub fn order(&self) -> i32 {
        self.order
    }

    /// The one sender that it listens to, or `None` for all.
    #[must_use]
    pub fn sender(&self) -> Option<&Sender> {
        self.sender.as_ref()
    }

    /// The source file it stands in; `None` when it was connected at run time.
    #[must_use]
    pub fn file(&self) -> Option<&'static str> {
        self.source.map(|(file, _)| file)
    }

    /// The line it stands on; `None` when it was connected at run time.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.source.map(|(_, line)| line)
    }

    /// How often a durable delivery is tried in all.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        ATTEMPTS
    }

    /// How long a durable delivery may take each time.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn hears(&self, signal: Signal, sender: &Sender) -> bool {
        self.signals.contains(&signal) && self.sender.as_ref().is_none_or(|wanted| wanted == sender)
    }

    /// Lowest order first, then by place in the source, then by id; those connected at run time last, as they came.
    fn precedence(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order).then_with(|| match (self.source, other.source) {
            (Some(mine), Some(theirs)) => mine.cmp(&theirs).then_with(|| self.id.cmp(&other.id)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        })
    }

    /// What it asks for and nobody gave, a line each.
    fn missing(&self, states: &States) -> impl Iterator<Item = String> {
        self.parameters.iter().filter_map(move |parameter| {
            let missing = (parameter.check)(states).err()?;
            Some(format!("{self}: parameter `{}`: {missing}", parameter.name))
        })
    }
}

/// `shop::fulfil (src/orders.rs:12)`.
impl fmt::Display for ReceiverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some((file, line)) => write!(f, "{} ({file}:{line})", self.id),
            None => write!(f, "{} (connected at run time)", self.id),
        }
    }
}

impl fmt::Debug for ReceiverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverInfo")
            .field("id", &self.id)
            .field("signals", &self.signals)
            .field("order", &self.order)
            .field("sender", &self.sender)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// All receivers, in the order in which they start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registry(Vec<ReceiverInfo>);

impl Registry {
    pub(super) fn linked() -> Self {
        let mut registry = Self(collected().iter().map(ReceiverInfo::linked).collect());
        registry.sort();
        registry
    }

    pub(super) fn with(&self, receivers: impl IntoIterator<Item = ReceiverInfo>) -> Self {
        let mut registry = Self(self.0.iter().cloned().chain(receivers).collect());
        registry.sort();
        registry
    }

    pub(super) fn without(&self, id: &str) -> Self {
        Self(self.0.iter().filter(|receiver| receiver.id != id).cloned().collect())
    }

    /// Stable, so that connected ones keep the order in which they came.
    fn sort(&mut self) {
        self.0.sort_by(ReceiverInfo::precedence);
    }

    pub(crate) fn all(&self) -> &[ReceiverInfo] {
        &self.0
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|receiver| receiver.id == id)
    }

    /// Those that hear this signal from this sender, in their order.
    pub(crate) fn hearing<'a>(&'a self, signal: Signal, sender: &'a Sender) -> impl Iterator<Item = &'a ReceiverInfo> {
        self.0.iter().filter(move |receiver| receiver.hears(signal, sender))
    }

    /// Each id that more than one receiver has, with the places where they stand.
    pub(crate) fn duplicates(&self) -> Vec<String> {
        let mut by_id = BTreeMap::<&str, Vec<&ReceiverInfo>>::new();
        for receiver in &self.0 {
            by_id.entry(receiver.id()).or_default().push(receiver);
        }
        by_id.retain(|_, receivers| receivers.len() > 1);
        by_id
            .into_values()
            .map(|receivers| receivers.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            .collect()
    }

    /// Every state that a receiver asks for and nobody gave.
    pub(crate) fn missing(&self, states: &States) -> Vec<String> {
        self.0.iter().flat_map(|receiver| receiver.missing(states)).collect()
    }
}
