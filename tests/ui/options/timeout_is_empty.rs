use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = "")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
