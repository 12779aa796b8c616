//! The receivers of a dispatcher, which may come and go while it dispatches.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::Registry;
use super::connection::AlreadyConnected;
use crate::receiver::ReceiverInfo;

/// A registry that is replaced as a whole: who has a snapshot keeps it, and no lock is held while receivers run.
///
/// As long as nobody comes or goes, which is for ever in most programs, reading it costs no lock and no count.
#[derive(Debug)]
pub(super) struct Receivers {
    first: &'static Registry,
    changed: OnceLock<RwLock<Snapshot>>,
}

/// The receivers as they were at one moment.
#[derive(Debug, Clone)]
pub(crate) enum Snapshot {
    First(&'static Registry),
    Changed(Arc<Registry>),
}

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
            self.replace(|registry| Some(registry.with(receivers)));
        }
    }

    pub(super) fn add(&self, receiver: ReceiverInfo) -> Result<(), AlreadyConnected> {
        let id = receiver.id().to_owned();
        let added = self.replace(|registry| (!registry.contains(&id)).then(|| registry.with([receiver])));
        if added { Ok(()) } else { Err(AlreadyConnected { id }) }
    }

    /// Removes those that are meant; `false` when there is none.
    pub(super) fn remove(&self, is_meant: impl Fn(&ReceiverInfo) -> bool) -> bool {
        self.replace(|registry| registry.all().iter().any(&is_meant).then(|| registry.without(&is_meant)))
    }

    fn replace(&self, next: impl FnOnce(&Registry) -> Option<Registry>) -> bool {
        let changed = self.changed.get_or_init(|| RwLock::new(Snapshot::First(self.first)));
        let mut registry = changed.write().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = next(&registry) else { return false };
        let before = std::mem::replace(&mut *registry, Snapshot::Changed(Arc::new(next)));
        drop(registry);
        // Only without the lock: what a receiver holds may disconnect another as it goes.
        drop(before);
        true
    }
}

// Out of the way of those that nobody has changed.
#[cold]
fn as_changed(changed: &RwLock<Snapshot>) -> Snapshot {
    changed.read().unwrap_or_else(PoisonError::into_inner).clone()
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
