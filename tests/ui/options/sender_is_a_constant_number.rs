use athm_core::receiver;

const KIOSK: u32 = 7;

#[receiver(completed, sender = [KIOSK, "till"])]
fn fulfil() {}

fn main() {}
