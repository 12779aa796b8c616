use athm_core::{Transaction, receiver};

#[receiver(signals = [completed, expired])]
fn settle(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
