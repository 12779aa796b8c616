use athm_core::receiver;

#[receiver(completed, backoff = 10)]
fn fulfil() {}

fn main() {}
