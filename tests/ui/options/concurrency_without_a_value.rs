use athm_core::receiver;

#[receiver(completed, concurrency)]
fn fulfil() {}

fn main() {}
