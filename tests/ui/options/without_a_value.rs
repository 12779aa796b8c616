use athm_core::{Transaction, receiver};

#[receiver(completed, order)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
