use athm_core::receiver;

#[receiver(completed, if = is_unknown)]
fn fulfil() {}

fn main() {}
