use athm_core::{Transaction, receiver};

#[receiver(Signal::Completed | Signal::Expired)]
fn settle(transaction: &Transaction) {
    println!("{}", transaction.total());
}

fn main() {}
