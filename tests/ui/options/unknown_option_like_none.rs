use athm_core::{Transaction, receiver};

#[receiver(completed, weight = 10)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
