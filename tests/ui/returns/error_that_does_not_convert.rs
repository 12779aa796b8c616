use athm_core::receiver;

struct SoldOut;

#[receiver(completed)]
fn fulfil() -> Result<(), SoldOut> {
    Err(SoldOut)
}

fn main() {}
