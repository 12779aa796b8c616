use athm_core::receiver;

const LIMIT: u64 = 30;

#[receiver(completed, timeout = LIMIT)]
fn fulfil() {}

fn main() {}
