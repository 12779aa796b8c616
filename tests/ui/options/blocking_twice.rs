use athm_core::{Transaction, receiver};

#[receiver(completed, blocking, blocking)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
