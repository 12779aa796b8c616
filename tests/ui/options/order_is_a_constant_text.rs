use athm_core::receiver;

const FIRST: &str = "first";

#[receiver(completed, order = FIRST)]
fn fulfil() {}

fn main() {}
