use athm_core::{Transaction, receiver};

#[receiver(athm_completed_response)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
