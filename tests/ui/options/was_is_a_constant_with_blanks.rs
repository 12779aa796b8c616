use athm_core::receiver;

const OLD: &str = "the old one";

#[receiver(completed, was = OLD)]
fn fulfil() {}

fn main() {}
