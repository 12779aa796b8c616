//! Receivers of a crate that has athm-core for its tests alone.

use athm_actix::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(_: &Transaction) {}
