use athm_core::{Transaction, receiver};

#[receiver(completed, order = 2147483648)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
