use athm_core::{Transaction, receiver};

#[receiver(complete, ordr = 10, id = "", sender = 5)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
