//! The receivers of a program, in their order, and which signals each listens to.

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
        Self::in_order(sorted(receivers).into_iter().map(ReceiverInfo::linked), receivers.len(), None)
    }

    /// Receivers that are in their order already.
    pub(super) fn in_order(
        receivers: impl Iterator<Item = ReceiverInfo>,
        length: usize,
        broken: Option<String>,
    ) -> Self {
        let mut registry = Self { all: Vec::with_capacity(length), broken, ..Self::default() };
        registry.by_signal.iter_mut().for_each(|receivers| receivers.reserve_exact(length));
        receivers.for_each(|receiver| registry.push(receiver));
        registry
    }

    fn push(&mut self, receiver: ReceiverInfo) {
        for signal in receiver.signals() {
            self.by_signal[*signal as usize].push(receiver.clone());
        }
        self.all.push(receiver);
    }

    pub(crate) fn all(&self) -> &[ReceiverInfo] {
        &self.all
    }

    /// The place in [`all`](Self::all) of the receiver whose deliveries are stored under that id.
    pub(crate) fn place_of(&self, id: &str) -> Option<usize> {
        let place_where =
            |is_its: fn(&ReceiverInfo, &str) -> bool| self.all.iter().position(|receiver| is_its(receiver, id));
        place_where(|receiver, id| receiver.id() == id).or_else(|| place_where(ReceiverInfo::is_known_as))
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.all.iter().any(|receiver| receiver.id() == id)
    }

    /// Those that listen to this signal from any sender, in their order.
    #[inline]
    pub(crate) fn of_signal(&self, signal: Signal) -> &[ReceiverInfo] {
        &self.by_signal[signal as usize]
    }

    /// Those that listen to this signal from this sender, in their order.
    pub(crate) fn listening<'a>(
        &'a self,
        signal: Signal,
        sender: &'a Sender,
    ) -> impl Iterator<Item = &'a ReceiverInfo> {
        self.of_signal(signal).iter().filter(move |receiver| receiver.listens_to(sender))
    }

    /// Why the receivers that were linked can't be used, if so.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Each id that more than one receiver has, with the places where they stand.
    pub(crate) fn duplicates(&self) -> Vec<String> {
        let by_id = grouped(self.all.iter().map(|receiver| (receiver.id(), receiver)));
        by_id.into_values().filter(|receivers| several(receivers) && !is_one_function(receivers)).map(listed).collect()
    }

    /// Each function that is compiled into the program more than once, as by one `mod …;` in `main.rs` and another in
    /// `lib.rs`: it would run as often.
    pub(crate) fn compiled_twice(&self) -> Vec<String> {
        let by_place = grouped(self.all.iter().filter_map(|receiver| Some((receiver.place_in_any_crate()?, receiver))));
        by_place.into_values().filter(|receivers| several(receivers)).map(listed).collect()
    }

    /// Each former id that more than one receiver answers to.
    pub(crate) fn ambiguous(&self) -> Vec<String> {
        let former = self.all.iter().flat_map(ReceiverInfo::was);
        let mut ambiguous: Vec<String> = former
            .filter_map(|id| {
                let known: Vec<_> = self.all.iter().filter(|receiver| receiver.is_known_as(id)).collect();
                several(&known).then(|| format!("`{id}` of {}", listed(known)))
            })
            .collect();
        ambiguous.sort_unstable();
        ambiguous.dedup();
        ambiguous
    }

    /// Every state that a receiver asks for and that wasn't given.
    pub(crate) fn missing(&self, states: &States) -> Vec<String> {
        self.all.iter().flat_map(|receiver| receiver.missing(states)).collect()
    }
}

fn grouped<'a, K: Ord>(receivers: impl Iterator<Item = (K, &'a ReceiverInfo)>) -> BTreeMap<K, Vec<&'a ReceiverInfo>> {
    let mut groups = BTreeMap::<K, Vec<&ReceiverInfo>>::new();
    receivers.for_each(|(key, receiver)| groups.entry(key).or_default().push(receiver));
    groups
}

fn several(receivers: &[&ReceiverInfo]) -> bool {
    receivers.len() > 1
}

fn is_one_function(receivers: &[&ReceiverInfo]) -> bool {
    let places = receivers.iter().map(|receiver| receiver.place_in_any_crate());
    let first = receivers.first().and_then(|receiver| receiver.place_in_any_crate());
    first.is_some() && places.into_iter().all(|place| place == first)
}

fn listed(receivers: Vec<&ReceiverInfo>) -> String {
    receivers.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Sorts what the linker collected once more, and returns how many receivers there are: for the benchmark of it.
#[must_use]
pub fn index() -> usize {
    Registry::collect().all().len()
}
