use athm_core::{Transaction, receiver};

#[receiver(completed, sender("kiosk"))]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
