use athm_core::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(transaction: &'static Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
