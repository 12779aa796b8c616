use athm_core::{Transaction, receiver};

fn is_of_the_shop(transaction: &Transaction) -> bool {
    transaction.metadata_2() == "shop"
}

#[receiver(completed, if = "is_of_the_shop")]
fn fulfil() {}

fn main() {}
