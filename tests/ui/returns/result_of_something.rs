use athm_core::receiver;

#[receiver(completed)]
fn fulfil() -> Result<u32, std::io::Error> {
    Ok(7)
}

fn main() {}
