//! Compiled into the library and into the program.

#[athm_core::receiver(completed)]
fn fulfil() {}
