//! Receivers of a crate with athm-core as an optional dependency, which is off.

use athm_actix::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(_: &Transaction) {}
