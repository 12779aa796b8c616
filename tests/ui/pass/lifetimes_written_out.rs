#![forbid(unsafe_code)]

use athm_core::{Sender, Transaction, receiver};

#[receiver(completed)]
async fn fulfil<'a, 'b>(transaction: &'a Transaction, sender: &'b Sender) {
    println!("{} {sender}", transaction.total());
}

fn main() {
    assert_eq!(athm_core::__private::ATHM_RECEIVERS_V1.len(), 1);
}
