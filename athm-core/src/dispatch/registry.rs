//! The receivers of a program, in their order, and who hears what.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::sorted::sorted;
use crate::models::{Sender, Signal};
use crate::receiver::{Receiver, ReceiverInfo, States, collected};

/// All receivers, in the order in which they start: lowest `order` first, then by place in the source, then by id; those
/// connected at run time after the linked ones of their order, as they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registry {
    all: Vec<ReceiverInfo>,
    by_signal: [Vec<ReceiverInfo>; Signal::ALL.len()],
    /// Why the linker's collection can't be used.
    broken: Option<String>,
}

impl Registry {
    /// What the linker collected, sorted once for the whole program.
    pub(super) fn linked() -> &'static Self {
        static LINKED: LazyLock<Registry> = LazyLock::new(Registry::collect);
        &LINKED
    }

    pub(super) fn empty() -> &'static Self {
        static EMPTY: Registry =
            Registry { all: Vec::new(), by_signal: [const { Vec::new() }; Signal::ALL.len()], broken: None };
        &EMPTY
    }

    pub(super) fn collect() -> Self {
        match collected() {
            Ok(receivers) => Self::of(receivers),
            Err(error) => {
                tracing::error!(error, "no receiver can be called");
                Self { broken: Some(error), ..Self::default() }
            }
        }
    }

    fn of(receivers: &'static [Receiver]) -> Self {
        let mut registry = Self { all: Vec::with_capacity(receivers.len()), ..Self::default() };
        registry.by_signal.iter_mut().for_each(|heard| heard.reserve_exact(receivers.len()));
        for receiver in sorted(receivers) {
            registry.push(ReceiverInfo::linked(receiver));
        }
        registry
    }

    fn push(&mut self, receiver: ReceiverInfo) {
        for signal in receiver.signals() {
            self.by_signal[*signal as usize].push(receiver.clone());
        }
        self.all.push(receiver);
    }

    pub(super) fn with(&self, receivers: impl IntoIterator<Item = ReceiverInfo>) -> Self {
        let mut registry = self.clone();
        for receiver in receivers {
            for signal in receiver.signals() {
                insert(&mut registry.by_signal[*signal as usize], receiver.clone());
            }
            insert(&mut registry.all, receiver);
        }
        registry
    }

    pub(super) fn without(&self, is_meant: impl Fn(&ReceiverInfo) -> bool) -> Self {
        let mut registry = self.clone();
        registry.by_signal.iter_mut().chain([&mut registry.all]).for_each(|list| list.retain(|one| !is_meant(one)));
        registry
    }

    pub(crate) fn all(&self) -> &[ReceiverInfo] {
        &self.all
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.all.iter().any(|receiver| receiver.id() == id)
    }

    /// Those that hear this signal from some sender, in their order.
    #[inline]
    pub(crate) fn of_signal(&self, signal: Signal) -> &[ReceiverInfo] {
        &self.by_signal[signal as usize]
    }

    /// Those that hear this signal from this sender, in their order.
    pub(crate) fn hearing<'a>(&'a self, signal: Signal, sender: &'a Sender) -> impl Iterator<Item = &'a ReceiverInfo> {
        self.of_signal(signal).iter().filter(move |receiver| receiver.hears(sender))
    }

    /// Why the receivers that were linked can't be used, if so.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Each id that more than one receiver has, with the places where they stand.
    pub(crate) fn duplicates(&self) -> Vec<String> {
        let mut by_id = BTreeMap::<&str, Vec<&ReceiverInfo>>::new();
        for receiver in &self.all {
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
        self.all.iter().flat_map(|receiver| receiver.missing(states)).collect()
    }

    /// Every parameter that not each of its receiver's signals brings.
    pub(crate) fn misplaced(&self) -> Vec<String> {
        self.all.iter().flat_map(ReceiverInfo::misplaced).collect()
    }
}

fn insert(list: &mut Vec<ReceiverInfo>, receiver: ReceiverInfo) {
    let place = list.partition_point(|other| other.order() <= receiver.order());
    list.insert(place, receiver);
}

/// Sorts what the linker collected once more, and returns how many receivers there are: for the benchmark of it.
#[must_use]
pub fn index() -> usize {
    Registry::collect().all().len()
}
