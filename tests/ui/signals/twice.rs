use athm_core::{Transaction, receiver};

#[receiver(completed, expired, completed)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
