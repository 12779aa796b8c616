use athm_core::{Transaction, receiver};

#[receiver(completed)]
#[receiver(cancelled, expired, order = -10)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
