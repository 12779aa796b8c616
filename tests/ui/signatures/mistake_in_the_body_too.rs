use athm_core::{Transaction, receiver};

#[receiver(complete)]
fn fulfil(transaction: &Transaction) {
    let total: u64 = transaction.total();
}

fn main() {}
