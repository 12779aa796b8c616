use athm_core::receiver;

#[receiver(completed)]
fn fulfil() -> ! {
    panic!("the shop is closed")
}

fn main() {}
