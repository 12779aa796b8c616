//! The library of a package that has a program too.

use athm_core::receiver;

#[receiver(completed)]
fn fulfil() {}
