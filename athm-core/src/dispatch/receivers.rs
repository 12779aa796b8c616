//! The receivers of a dispatcher, which may come and go while it dispatches.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::Registry;
use super::already_connected::AlreadyConnected;
use crate::receiver::ReceiverInfo;

/// A registry that is replaced as a whole: who has a snapshot keeps it, and no lock is held while receivers run.
///
/// Until a receiver is connected or disconnected, which most programs never do, reading it takes no lock and no reference
/// count.
#[derive(Debug)]
pub(super) struct Receivers {
    first: &'static Registry,
    changed: OnceLock<RwLock<Changed>>,
}

/// The receivers as they were at one moment.
#[derive(Debug, Clone)]
pub(crate) enum Snapshot {
    First(&'static Registry),
    Changed(Arc<Registry>),
}

/// The receivers since the first change. Each further change costs a search, however many there are.
#[derive(Debug)]
struct Changed {
    by_place: BTreeMap<Place, ReceiverInfo>,
    /// More than one where an id was given twice, which a program is refused for as it starts.
    places: HashMap<String, Vec<Place>>,
    next: u64,
    broken: Option<String>,
    /// What a dispatch works on. `None` since the last change, until the next dispatch.
    snapshot: Option<Arc<Registry>>,
}

/// A receiver's `order`, and its number among those that came before.
type Place = (i32, u64);

impl Receivers {
    pub(super) fn of(first: &'static Registry) -> Self {
        Self { first, changed: OnceLock::new() }
    }

    #[inline]
    pub(super) fn now(&self) -> Snapshot {
        self.changed.get().map_or(Snapshot::First(self.first), as_changed)
    }

    /// Adds receivers without asking whether their ids are taken.
    pub(super) fn add_all(&self, receivers: Vec<ReceiverInfo>) {
        if !receivers.is_empty() {
            self.change(|changed| {
                receivers.into_iter().for_each(|receiver| changed.add(receiver));
                Some(())
            });
        }
    }

    pub(super) fn add(&self, receiver: ReceiverInfo) -> Result<(), AlreadyConnected> {
        let id = receiver.id().to_owned();
        let added = self.change(|changed| {
            let is_free = !changed.places.contains_key(&id);
            is_free.then(|| changed.add(receiver.clone()))
        });
        added.ok_or(AlreadyConnected { id })
    }

    /// Removes those of that id that are meant; `false` when there is none.
    pub(super) fn remove(&self, id: &str, is_meant: impl Fn(&ReceiverInfo) -> bool) -> bool {
        let removed = self.change(|changed| {
            let removed = changed.remove(id, is_meant);
            (!removed.is_empty()).then_some(removed)
        });
        removed.is_some()
    }

    /// Changes the receivers, unless `change` finds nothing to change.
    fn change<T>(&self, change: impl FnOnce(&mut Changed) -> Option<T>) -> Option<T> {
        let changed = self.changed.get_or_init(|| RwLock::new(Changed::since(self.first)));
        let mut changed = changed.write().unwrap_or_else(PoisonError::into_inner);
        let done = change(&mut changed)?;
        let outdated = changed.snapshot.take();
        drop(changed);
        // Only without the lock: what a receiver holds may disconnect another as it goes.
        drop(outdated);
        Some(done)
    }
}

impl Changed {
    fn since(first: &Registry) -> Self {
        let broken = first.broken().map(str::to_owned);
        let mut changed = Self { by_place: BTreeMap::new(), places: HashMap::new(), next: 0, broken, snapshot: None };
        first.all().iter().for_each(|receiver| changed.add(receiver.clone()));
        changed
    }

    /// After all of the same order that are there.
    fn add(&mut self, receiver: ReceiverInfo) {
        let place = (receiver.order(), self.next);
        self.next += 1;
        self.places.entry(receiver.id().to_owned()).or_default().push(place);
        self.by_place.insert(place, receiver);
    }

    fn remove(&mut self, id: &str, is_meant: impl Fn(&ReceiverInfo) -> bool) -> Vec<ReceiverInfo> {
        let Some(places) = self.places.get_mut(id) else { return Vec::new() };
        let mut removed = Vec::new();
        places.retain(|place| {
            let meant = self.by_place.get(place).is_some_and(&is_meant);
            if meant {
                removed.extend(self.by_place.remove(place));
            }
            !meant
        });
        if places.is_empty() {
            self.places.remove(id);
        }
        removed
    }

    fn snapshot(&mut self) -> Snapshot {
        let registry = self.snapshot.get_or_insert_with(|| {
            Arc::new(Registry::in_order(self.by_place.values().cloned(), self.by_place.len(), self.broken.clone()))
        });
        Snapshot::Changed(Arc::clone(registry))
    }
}

// Kept out of the path of dispatchers that were never changed.
#[cold]
fn as_changed(changed: &RwLock<Changed>) -> Snapshot {
    let known = changed.read().unwrap_or_else(PoisonError::into_inner).snapshot.clone();
    known.map_or_else(|| changed.write().unwrap_or_else(PoisonError::into_inner).snapshot(), Snapshot::Changed)
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::First(Registry::empty())
    }
}

impl Deref for Snapshot {
    type Target = Registry;

    fn deref(&self) -> &Registry {
        match self {
            Self::First(registry) => registry,
            Self::Changed(registry) => registry,
        }
    }
}
