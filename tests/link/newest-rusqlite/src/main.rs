//! Stores a payment with athm and reads it.

use std::error::Error;
use std::time::Duration;

use athm_core::transactions::TransactionQuery;
use athm_core::{Athm, Sender, Transaction};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(store_and_read())
}

async fn store_and_read() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}", folder.path().join("athm.db").display());
    let athm = Athm::builder().database_url(&url).trust_callbacks().start().await?;
    athm.record(Transaction::sample().completed().build(), Sender::CALLBACK).await?;
    println!("{} payment", athm.transactions(TransactionQuery::new()).await?.transactions().len());
    athm.shutdown(Duration::ZERO).await;
    Ok(())
}
