use athm_core::{Transaction, receiver};

#[receiver(completed,, expired)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
