use athm_core::{Transaction, receiver};

#[receiver(released)]
fn restock(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
