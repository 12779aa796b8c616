use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = "5 minutes")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
