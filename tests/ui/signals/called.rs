use athm_core::{Transaction, receiver};

#[receiver(completed())]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
