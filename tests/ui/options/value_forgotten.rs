use athm_core::{Transaction, receiver};

#[receiver(completed, id = )]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
