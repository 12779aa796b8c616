use athm_core::{Transaction, receiver};

#[receiver(completed, id = "shop::fulfil")]
#[receiver(cancelled)]
#[receiver(expired, id = "shop::fulfil")]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
