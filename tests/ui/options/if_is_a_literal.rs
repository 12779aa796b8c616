use athm_core::receiver;

#[receiver(completed, if = true)]
fn fulfil() {}

fn main() {}
