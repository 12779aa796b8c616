use athm_core::receiver;

#[receiver(completed, was = [])]
fn fulfil() {}

fn main() {}
