use athm_core::receiver;

struct Shop;

#[receiver(completed)]
impl Shop {}

fn main() {}
