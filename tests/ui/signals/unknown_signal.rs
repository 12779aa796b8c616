use athm_core::{Transaction, receiver};

#[receiver(complete)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
