use athm_core::receiver;

#[receiver(completed)]
fn fulfil(order: &str) {
    println!("{order}");
}

fn main() {}
