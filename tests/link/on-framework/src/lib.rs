//! Receivers of a crate that has athm from a framework alone.

use framework::payments::{Transaction, receiver};

#[receiver(completed, crate = framework::payments)]
fn fulfil(_: &Transaction) {}
