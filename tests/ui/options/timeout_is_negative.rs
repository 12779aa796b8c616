use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = "-3s")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
