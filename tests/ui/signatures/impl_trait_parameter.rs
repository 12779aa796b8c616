use athm_core::receiver;

#[receiver(completed)]
fn fulfil(order: impl Into<String>) {
    println!("{}", order.into());
}

fn main() {}
