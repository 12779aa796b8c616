//! How writes share commits, in both backends.

use std::time::Duration;

/// How many writes may be queued, deferred ones aside. More are refused with [`StoreError::Busy`](super::StoreError::Busy).
pub(super) const MAX_QUEUED: usize = 1024;
/// How long a deferred write waits for others to share its commit.
pub(super) const MAX_BATCH_DELAY: Duration = Duration::from_millis(10);

/// How many writes share one commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Batching {
    /// All that are queued, up to 1,024: those of 256 callers, with the acknowledgements of their deliveries.
    #[default]
    Grouped,
    /// One: to measure what group commit brings.
    OneByOne,
}

impl Batching {
    pub(crate) fn max_writes(self) -> usize {
        match self {
            Self::Grouped => 1024,
            Self::OneByOne => 1,
        }
    }
}
