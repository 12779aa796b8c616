use athm_core::{Transaction, receiver};

#[receiver(shipped)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
