use athm_core::{Transaction, receiver};

#[receiver(completed, sender = "  ")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
