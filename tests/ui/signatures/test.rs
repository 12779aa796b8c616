use athm_core::receiver;

#[receiver(completed)]
#[test]
fn fulfil() {}

fn main() {}
