use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = 30)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
