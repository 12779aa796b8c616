//! Receivers of a crate that has athm-core on another platform.

use athm_actix::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(_: &Transaction) {}
