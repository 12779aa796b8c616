use athm_core::receiver;

#[receiver(completed, dispatch_uid = "shop")]
fn fulfil() {}

fn main() {}
