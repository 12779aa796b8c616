use athm_core::receiver;

#[receiver(completed, concurrency = "2")]
fn fulfil() {}

fn main() {}
