use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = "1.5s")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
