use athm_core::{Transaction, receiver};

#[receiver(completed, attempts = -1)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
