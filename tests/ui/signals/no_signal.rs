use athm_core::{Transaction, receiver};

#[receiver(order = 10)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
