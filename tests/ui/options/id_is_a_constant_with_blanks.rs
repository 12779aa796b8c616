use athm_core::receiver;

const ID: &str = "fulfil the order";

#[receiver(completed, id = ID)]
fn fulfil() {}

fn main() {}
