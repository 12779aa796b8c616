//! Receivers of a crate that depends on athm-actix and not on athm-core.

use athm_actix::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(_: &Transaction) {}
