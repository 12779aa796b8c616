use athm_core::{Transaction, receiver};

#[receiver(completed, blocking = true)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
