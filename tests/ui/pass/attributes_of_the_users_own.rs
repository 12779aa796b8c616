//! What else stands over a function keeps its meaning.
#![deny(warnings, missing_docs)]

use athm_core::dispatch::Dispatcher;
use athm_core::{Sender, Transaction, receiver};

/// Counts what was paid.
#[allow(clippy::needless_pass_by_value)]
#[receiver(completed)]
#[doc(alias = "ship")]
#[inline]
pub(crate) fn fulfil(#[cfg(all())] _: &Transaction, #[cfg(any())] _: Nothing, #[allow(unused)] sender: &Sender) {}

#[receiver(completed)]
#[cfg(any())]
fn only_elsewhere(_: Nothing) {}

#[cfg(any())]
#[receiver(completed)]
fn only_elsewhere(_: Nothing) {}

#[cfg_attr(all(), receiver(expired))]
#[must_use = "it may fail"]
fn release() -> Result<(), std::io::Error> {
    Ok(())
}

#[receiver(cancelled)]
#[deprecated]
fn restock() {}

#[receiver(expired)]
#[must_use]
fn note() {}

#[receiver(expired)]
#[must_use]
async fn note_later() {}

#[receiver(refunded)]
#[tracing::instrument(skip_all)]
async fn give_back(transaction: &Transaction) -> Result<(), std::io::Error> {
    tracing::info!(total = %transaction.total());
    Ok(())
}

#[tracing::instrument(skip_all)]
#[receiver(received)]
fn audit(_: &Transaction) {}

fn main() {
    assert_eq!(Dispatcher::linked().receivers().len(), 7);
}
