use athm_core::{Transaction, receiver};

#[receiver(confirmed)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
