use athm_core::{Transaction, receiver};

#[receiver([completed, expired], order = 5)]
fn settle(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
