use athm_core::{Transaction, receiver};

#[receiver(refund_sent)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
