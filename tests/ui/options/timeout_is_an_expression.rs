use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = Duration::from_secs(30))]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
