use athm_core::{Transaction, receiver};

use std::rc::Rc;

#[receiver(completed)]
async fn fulfil(transaction: &Transaction) {
    let total = Rc::new(transaction.total());
    std::future::ready(()).await;
    println!("{total}");
}

fn main() {}
