//! A program whose receiver kills it, for a test that starts it again and again.

use athm_actix::dispatch::Dispatcher;
use athm_actix::{Amount, Athm, Sender, Status, Transaction, receiver};

#[receiver(completed, id = "aborts", attempts = 3)]
fn aborts() {
    std::process::abort();
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let database = std::env::args().nth(1).ok_or("name a database")?;
    let athm =
        Athm::builder().database_url(database).trust_callbacks().dispatcher(Dispatcher::linked()).start().await?;
    let payment = Transaction::builder(Status::Completed, Amount::from_cents(2500));
    athm.record(payment.reference_number("12-ab".parse()?).build(), Sender::CALLBACK).await?;
    athm.idle().await;
    println!("{} dead", athm.deliveries().dead().await?.len());
    athm.shutdown(std::time::Duration::from_secs(1)).await;
    Ok(())
}
