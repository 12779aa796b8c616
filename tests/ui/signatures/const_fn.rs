use athm_core::{Transaction, receiver};

#[receiver(completed)]
const fn fulfil(_: &Transaction) {}

fn main() {}
