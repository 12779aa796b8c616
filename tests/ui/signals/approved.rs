use athm_core::{Transaction, receiver};

#[receiver(approved)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
