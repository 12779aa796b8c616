use athm_core::receiver;

#[receiver(created)]
fn fulfil() {}

fn main() {}
