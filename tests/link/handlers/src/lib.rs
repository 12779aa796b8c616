//! A library of receivers, with nothing else that a program could want of it.

use athm_core::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(transaction: &Transaction) {
    println!("{} is paid", transaction.metadata_1());
}

pub mod stock {
    use athm_core::receiver;

    #[receiver(cancelled, expired)]
    async fn release() {}
}
