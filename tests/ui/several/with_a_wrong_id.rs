use athm_core::{Transaction, receiver};

#[receiver(completed)]
#[receiver(expired, id = "")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
