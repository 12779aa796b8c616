use athm_core::{Transaction, receiver};

#[receiver(completed)]
async fn fulfil(transaction: &Transaction) -> Result<(), std::io::Error> {
    let total: u64 = transaction.total();
    Ok(())
}

fn main() {}
