use athm_core::{Refund, Transaction, receiver};

#[receiver(refunded, received)]
async fn give_back(transaction: &Transaction, refund: &Refund) {
    println!("{} {}", transaction.total(), refund.amount);
}

fn main() {}
