use athm_core::{Transaction, receiver};

#[receiver(completed, timeout = "18446744073709551615h")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
