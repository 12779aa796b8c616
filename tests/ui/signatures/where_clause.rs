use athm_core::{Transaction, receiver};

#[receiver(completed)]
fn fulfil(transaction: &Transaction)
where
    Transaction: Clone,
{
    println!("{}", transaction.total());
}

fn main() {}
