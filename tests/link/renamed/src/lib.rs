//! Receivers of a crate that knows athm by another name.

use payments::receiver;

#[receiver(completed)]
fn fulfil() {}
