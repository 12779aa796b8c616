use athm_core::{Transaction, receiver};

#[receiver(completed, attempts = 0)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
