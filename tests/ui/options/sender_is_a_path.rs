use athm_core::{Transaction, receiver};

#[receiver(completed, sender = Sender::CALLBACK)]
fn fulfil(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
