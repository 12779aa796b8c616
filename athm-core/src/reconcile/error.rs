//! Why a reconciliation stopped.

use super::ReconcileSummary;
use crate::provider::ProviderError;
use crate::store::StoreError;

/// Why a reconciliation stopped before its end. What was done stays done.
///
/// ```
/// use athm_core::errors::ReconcileError;
///
/// fn print(error: &ReconcileError) {
///     match error.so_far() {
///         Some(done) => println!("{error}; go on from {}", done.done_until),
///         None => println!("{error}"),
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// Callbacks are trusted: there is no provider to ask.
    #[error("there is no provider to ask: callbacks are trusted")]
    NoProvider,
    /// It begins where it ends, or later, or in the future.
    #[error("a reconciliation must begin before it ends, and in the past")]
    Range,
    /// The provider's report can't be read.
    #[error("the provider's report can't be read; begin again at {}", .so_far.done_until)]
    Provider {
        /// What was found until then.
        so_far: Box<ReconcileSummary>,
        /// The provider's answer.
        source: ProviderError,
    },
    /// The database can't be read or written.
    #[error("the database can't be read or written; begin again at {}", .so_far.done_until)]
    Store {
        /// What was found until then.
        so_far: Box<ReconcileSummary>,
        /// The database's error.
        source: StoreError,
    },
}

impl ReconcileError {
    /// What was found until then.
    #[must_use]
    pub fn so_far(&self) -> Option<&ReconcileSummary> {
        match self {
            Self::Provider { so_far, .. } | Self::Store { so_far, .. } => Some(so_far),
            Self::NoProvider | Self::Range => None,
        }
    }
}
