use athm_core::{Transaction, receiver};

#[receiver(completed, order = "10")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
