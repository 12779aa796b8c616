use athm_core::{Transaction, receiver};

#[receiver(completed)]
#[receiver(expired, id = "shop::release")]
fn fulfil(transaction: Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
