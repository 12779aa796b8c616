use athm_core::{Transaction, receiver};

fn look(transaction: &Transaction) {
    println!("{}", transaction.total());
}

#[receiver(completed, if = look)]
fn fulfil() {}

fn main() {}
