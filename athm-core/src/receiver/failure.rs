//! Why a receiver did not succeed.

use std::any::Any;
use std::time::Duration;

use super::BoxError;
use crate::models::{Permanent, RetryAfter};
use crate::util::contain::{contain, panic_message};

/// Why a receiver did not succeed.
///
/// ```
/// use athm_core::dispatch::{Failure, Report};
///
/// fn count_panics(report: &Report) -> usize {
///     report.failures().filter(|entry| matches!(entry.result(), Err(Failure::Panic(_)))).count()
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It returned an error, or one of its parameters couldn't be given.
    #[error(transparent)]
    Error(BoxError),
    /// It panicked.
    #[error("it panicked: {0}")]
    Panic(String),
    /// It took longer than its `timeout`.
    #[error("it took longer than {limit:?}")]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
    /// It wasn't called: the dispatch was made within another one, that one within another, and so on. A receiver that
    /// dispatches what it runs for itself would go on until the stack overflows.
    #[error("it wasn't called: more than {limit} dispatches by hand are nested in each other")]
    TooDeep {
        /// How many may be nested in each other.
        limit: u32,
    },
}

impl Failure {
    #[cold]
    pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Self {
        Self::Panic(panic_message(panic))
    }

    /// How the receiver asks to be run again, if its error, or one that caused it, is a [`RetryAfter`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use athm_core::RetryAfter;
    /// use athm_core::dispatch::Failure;
    ///
    /// let failure = Failure::Error(RetryAfter::new(Duration::from_secs(60)).into());
    /// assert_eq!(failure.retry_after().map(RetryAfter::pause), Some(Duration::from_secs(60)));
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<&RetryAfter> {
        match self {
            // The error is the receiver's own: even its causes may panic.
            Self::Error(error) => contain(|| RetryAfter::find(error.as_ref())).ok().flatten(),
            _ => None,
        }
    }

    /// Whether no further attempt can succeed. The error is the receiver's own: even its causes may panic.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::Error(error) if contain(|| Permanent::is(error.as_ref())).unwrap_or(false))
    }
}
