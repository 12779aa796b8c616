use athm_core::{Transaction, receiver};

#[receiver(canceled)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
