//! Stores a payment with athm and reads it with sqlx, from one file and in one process.

use std::error::Error;
use std::time::Duration;

use athm_core::{Athm, Sender, Transaction};
use sqlx::{Connection, Row, SqliteConnection};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(store_and_read())
}

async fn store_and_read() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}", folder.path().join("athm.db").display());
    let athm = Athm::builder().database_url(&url).trust_callbacks().start().await?;
    athm.record(Transaction::sample().completed().build(), Sender::CALLBACK).await?;

    let mut connection = SqliteConnection::connect(&url).await?;
    let row = sqlx::query("SELECT count(*) FROM athm_transaction").fetch_one(&mut connection).await?;
    println!("{} payment", row.get::<i64, _>(0));
    athm.shutdown(Duration::ZERO).await;
    Ok(())
}
