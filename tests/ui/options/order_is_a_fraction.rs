use athm_core::{Transaction, receiver};

#[receiver(completed, order = 1.5)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
