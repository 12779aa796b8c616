use athm_core::receiver;

const ID: u32 = 7;

#[receiver(completed, id = ID)]
fn fulfil() {}

fn main() {}
