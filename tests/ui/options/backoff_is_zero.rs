use athm_core::receiver;

#[receiver(completed, backoff = "0s")]
fn fulfil() {}

fn main() {}
