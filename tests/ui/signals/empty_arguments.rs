use athm_core::{Transaction, receiver};

#[receiver()]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
