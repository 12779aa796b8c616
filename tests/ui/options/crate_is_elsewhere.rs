use athm_core::{Transaction, receiver};

#[receiver(completed, crate = my_framework::athm)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
