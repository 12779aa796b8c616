use athm_core::{Transaction, receiver};

#[receiver(Completed)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
