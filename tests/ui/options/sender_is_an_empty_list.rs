use athm_core::receiver;

#[receiver(completed, sender = [])]
fn fulfil() {}

fn main() {}
