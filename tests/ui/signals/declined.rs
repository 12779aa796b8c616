use athm_core::{Transaction, receiver};

#[receiver(declined)]
fn release(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
