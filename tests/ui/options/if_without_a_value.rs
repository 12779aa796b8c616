use athm_core::receiver;

#[receiver(completed, if)]
fn fulfil() {}

fn main() {}
