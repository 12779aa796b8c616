//! Why a receiver did not succeed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::BoxError;

/// Why a receiver did not succeed.
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
}

impl Failure {
    #[cold]
    pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Self {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("(no message)").to_owned();
        // What was thrown is the receiver's own: it may panic once more as it goes, and what it throws then is kept.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(another);
        }
        Self::Panic(text)
    }
}
