use athm_core::receiver;

#[receiver(completed)]
mod fulfil {}

fn main() {}
