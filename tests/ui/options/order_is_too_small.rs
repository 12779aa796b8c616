use athm_core::receiver;

#[receiver(completed, order = -2147483649)]
fn fulfil() {}

fn main() {}
