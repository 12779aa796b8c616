use athm_core::{Transaction, receiver};

#[receiver(completed)]
async fn fulfil(transaction: &'a Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
