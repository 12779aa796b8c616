use athm_core::{Refund, Transaction, receiver};

#[receiver(completed)]
fn fulfil(transaction: &Transaction, refund: &Refund) {
    println!("{} {}", transaction.total(), refund.amount);
}

fn main() {}
