use athm_core::{Transaction, receiver};

#[receiver(completed, blokcing)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
