//! Forgets its own library: to a program it is a crate like any other. Its own receivers are there.

use athm_core::receiver;

#[receiver(completed, id = "main::thank")]
fn thank() {}

fn main() {
    listing::print();
}
