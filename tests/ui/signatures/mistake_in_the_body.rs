use athm_core::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(transaction: &Transaction) {
    let total: u32 = transaction.metadata_1();
    println!("{total}");
}

fn main() {}
