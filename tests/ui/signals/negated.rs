use athm_core::{Transaction, receiver};

#[receiver(uncompleted)]
fn release(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
