use athm_core::{Transaction, receiver};

#[receiver(completed)]
fn fulfil<const N: usize>(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
