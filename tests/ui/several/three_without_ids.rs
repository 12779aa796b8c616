use athm_core::{Transaction, receiver};

#[receiver(completed)]
#[receiver(cancelled)]
#[receiver(expired, attempts = 3)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
