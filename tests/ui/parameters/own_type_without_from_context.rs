use athm_core::receiver;

struct Order;

#[receiver(completed)]
fn fulfil(Order: Order) {}

fn main() {}
