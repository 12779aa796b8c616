use athm_core::{Transaction, receiver};

#[receiver(completed)]
async fn fulfil(transaction: &Transaction) -> Option<()> {
    (transaction.metadata_1() == "order-7").then_some(())
}

fn main() {}
