//! Receivers of a crate that has athm-actix for its tests alone.

use athm_core::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(_: &Transaction) {}
