use athm_core::{Transaction, receiver};

#[receiver(completed)]
fn fulfil<T>(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
