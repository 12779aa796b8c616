use athm_core::receiver;

#[receiver(completed)]
extern "C" fn fulfil() {}

fn main() {}
