//! A dynamic library of Rust's, with athm-core in it.

use athm_core::receiver;

#[receiver(completed)]
fn fulfil() {}

/// Links the library into the program that calls it.
pub fn named() {}
