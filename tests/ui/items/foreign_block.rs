use athm_core::receiver;

#[receiver(completed)]
unsafe extern "C" {}

fn main() {}
