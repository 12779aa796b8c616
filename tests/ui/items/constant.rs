use athm_core::receiver;

#[receiver(completed)]
const FULFIL: u32 = 1;

fn main() {}
