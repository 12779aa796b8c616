use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = "0s")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
