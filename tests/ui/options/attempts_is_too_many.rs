use athm_core::{Transaction, receiver};

#[receiver(completed, attempts = 101)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
