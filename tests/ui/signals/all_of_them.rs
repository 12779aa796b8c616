use athm_core::{Transaction, receiver};

#[receiver(*)]
fn audit(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
