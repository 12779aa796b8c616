use athm_core::receiver;

#[receiver(completed, concurrency = 0)]
fn fulfil() {}

fn main() {}
