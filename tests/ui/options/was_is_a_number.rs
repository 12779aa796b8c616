use athm_core::receiver;

#[receiver(completed, was = 7)]
fn fulfil() {}

fn main() {}
