use athm_core::{Transaction, receiver};

#[receiver(completed, attempts)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
