use athm_core::{Transaction, receiver};

#[receiver(completed = true)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
