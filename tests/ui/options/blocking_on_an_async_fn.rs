use athm_core::{Transaction, receiver};

#[receiver(completed, blocking)]
async fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
