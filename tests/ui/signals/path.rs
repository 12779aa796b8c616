use athm_core::{Transaction, receiver};

#[receiver(Signal::Completed)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
