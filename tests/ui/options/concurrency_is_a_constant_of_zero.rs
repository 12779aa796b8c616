use athm_core::receiver;

const NONE: u32 = 0;

#[receiver(completed, concurrency = NONE)]
fn fulfil() {}

fn main() {}
