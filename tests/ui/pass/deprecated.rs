//! A receiver that is on its way out.
#![forbid(deprecated)]

use athm_core::dispatch::Dispatcher;
use athm_core::{Transaction, receiver};

#[receiver(completed)]
#[deprecated = "use `ship`"]
fn fulfil(_: &Transaction) {}

#[receiver(completed)]
#[deprecated(since = "1.0.0", note = "use `ship`")]
async fn fulfil_later(_: &Transaction) {}

fn main() {
    assert_eq!(Dispatcher::linked().receivers().len(), 2);
}
