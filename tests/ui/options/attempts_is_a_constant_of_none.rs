use athm_core::receiver;

const ATTEMPTS: u32 = 0;

#[receiver(completed, attempts = ATTEMPTS + 101)]
fn fulfil() {}

fn main() {}
