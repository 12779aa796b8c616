use athm_core::{Transaction, receiver};

#[receiver(completed)]
async fn fulfil(transaction: &mut Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
