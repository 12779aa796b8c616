use athm_core::{Transaction, receiver};

#[receiver(timeout)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
