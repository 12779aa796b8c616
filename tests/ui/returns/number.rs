use athm_core::receiver;

#[receiver(completed)]
fn fulfil() -> u32 {
    7
}

fn main() {}
