//! What the attribute leaves behind breaks no lint, however strict the crate.
#![forbid(unsafe_code, unsafe_op_in_unsafe_fn)]
#![deny(
    warnings,
    future_incompatible,
    nonstandard_style,
    rust_2018_idioms,
    rust_2024_compatibility,
    unused,
    absolute_paths_not_starting_with_crate,
    missing_debug_implementations,
    missing_docs,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]

use athm_core::dispatch::Dispatcher;
use athm_core::{Sender, Signal, State, Transaction, receiver};

/// The shop.
pub mod shop {
    use super::{Sender, Signal, State, Transaction, receiver};

    /// Hands over what was paid.
    #[receiver(completed, order = -1, sender = "kiosk", attempts = 2, timeout = "1h", blocking)]
    pub fn fulfil(transaction: &Transaction, State(prices): State<Vec<u32>>) -> Result<(), String> {
        prices.first().map(|_| ()).ok_or_else(|| transaction.metadata_1().to_owned())
    }

    /// Puts back what wasn't.
    ///
    /// # Errors
    ///
    /// If there is no room for it.
    #[receiver(cancelled, expired)]
    #[receiver(refunded, id = "shop::returned")]
    pub async fn release(_: &Transaction, _: Signal, sender: &Sender) -> Result<(), std::fmt::Error> {
        if sender.as_str().is_empty() { Err(std::fmt::Error) } else { Ok(()) }
    }

    #[receiver(received)]
    fn audit(#[cfg(not(any()))] _transaction: &Transaction) {}
}

fn main() {
    assert_eq!(Dispatcher::linked().receivers().len(), 4);
}
