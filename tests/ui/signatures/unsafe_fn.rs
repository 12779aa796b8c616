use athm_core::{Transaction, receiver};

#[receiver(completed)]
unsafe fn fulfil(_: &Transaction) {}

fn main() {}
