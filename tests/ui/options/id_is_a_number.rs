use athm_core::{Transaction, receiver};

#[receiver(completed, id = 7)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
