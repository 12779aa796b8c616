use athm_core::receiver;

#[receiver(completed, was = ["shop::old", "the old one"])]
fn fulfil() {}

fn main() {}
