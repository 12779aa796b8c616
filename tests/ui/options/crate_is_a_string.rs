use athm_core::{Transaction, receiver};

#[receiver(completed, crate = "athm_core")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
