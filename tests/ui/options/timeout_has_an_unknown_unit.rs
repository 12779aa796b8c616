use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = "2d")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
