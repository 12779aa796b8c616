use athm_core::receiver;

#[receiver(completed)]
struct Fulfil;

fn main() {}
