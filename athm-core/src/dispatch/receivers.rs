//! The receivers of a dispatcher, which may come and go while it dispatches.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::{AlreadyConnected, ReceiverInfo, Registry};

/// A registry that is replaced as a whole: who has a snapshot keeps it, and no lock is held while receivers run.
///
/// As long as nobody comes or goes, which is for ever in most programs, reading it costs no lock and no count.
#[derive(Debug, Default)]
pub(super) struct Receivers {
    first: Arc<Registry>,
    changed: OnceLock<RwLock<Arc<Registry>>>,
}

/// The receivers as they were at one moment.
pub(super) enum Snapshot<'a> {
    First(&'a Arc<Registry>),
    Changed(Arc<Registry>),
}

impl Receivers {
    pub(super) fn of(registry: Registry) -> Self {
        Self { first: Arc::new(registry), changed: OnceLock::new() }
    }

    pub(super) fn now(&self) -> Snapshot<'_> {
        match self.changed.get() {
            None => Snapshot::First(&self.first),
            Some(changed) => Snapshot::Changed(Arc::clone(&changed.read().unwrap_or_else(PoisonError::into_inner))),
        }
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
        let changed = self.changed.get_or_init(|| RwLock::new(Arc::clone(&self.first)));
        let mut registry = changed.write().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = next(&registry) else { return false };
        let before = std::mem::replace(&mut *registry, Arc::new(next));
        drop(registry);
        // Only without the lock: what a receiver holds may disconnect another as it goes.
        drop(before);
        true
    }
}

impl Deref for Snapshot<'_> {
    type Target = Arc<Registry>;

    fn deref(&self) -> &Arc<Registry> {
        match self {
            Self::First(registry) => registry,
            Self::Changed(registry) => registry,
        }
    }
}
