//! For which payments a receiver runs.

use std::fmt;
use std::sync::Arc;

use crate::models::Transaction;
use crate::util::contain::contain;

/// A predicate of the program's own: a receiver's `if`.
#[derive(Clone)]
pub(crate) enum Condition {
    Function(fn(&Transaction) -> bool),
    Closure(Arc<dyn Fn(&Transaction) -> bool + Send + Sync>),
}

impl Condition {
    /// Whether it holds. A panic is logged and counts as false: it must not fail the commit that asks.
    pub(crate) fn holds(&self, transaction: &Transaction, receiver: &str) -> bool {
        let called = contain(|| match self {
            Self::Function(function) => function(transaction),
            Self::Closure(closure) => closure(transaction),
        });
        called.unwrap_or_else(|panic| {
            let transaction = transaction.id();
            tracing::error!(receiver, %transaction, panic, "a receiver's condition panicked: the receiver isn't called");
            false
        })
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").finish_non_exhaustive()
    }
}
