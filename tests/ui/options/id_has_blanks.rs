use athm_core::{Transaction, receiver};

#[receiver(completed, id = "fulfil the order")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
