//! A program with a receiver that may end it, for tests that start it again and again.
//!
//! It records the payments `order-1` to `order-N`. Its receiver takes a moment for each of them; for `order-1` it aborts the
//! process if that is asked for. A line on the output names what succeeded and what is dead.

use std::time::Duration;

use athm_actix::dispatch::ReceiverOptions;
use athm_actix::testing::BuilderExt as _;
use athm_actix::{Amount, Athm, Context, Delivery, FromContext, Sender, Signal, Status, Transaction};
use athm_tests::Pace;
use clap::Parser;

/// How long the receiver takes: the others still run when one of them aborts the process.
const WORK: Duration = Duration::from_millis(20);

/// A program with a receiver that may end it.
#[derive(Debug, Parser)]
struct Options {
    /// Where payments are kept.
    #[arg(long)]
    database: String,
    /// How many are recorded.
    #[arg(long, default_value_t = 20)]
    payments: u32,
    /// How many attempts a delivery has.
    #[arg(long, default_value_t = 3)]
    attempts: u32,
    /// The receiver aborts the process for the first payment.
    #[arg(long)]
    aborts: bool,
    /// The program ends without a shutdown as soon as the payments are recorded, while the receiver runs for all of them.
    #[arg(long)]
    exits: bool,
    /// When time began to run fast, in milliseconds since 1970.
    #[arg(long)]
    since: u64,
    /// How fast time runs.
    #[arg(long)]
    speed: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { database, payments, attempts, aborts, exits, since, speed } = Options::parse();
    let receive = move |context: &Context<'_>| {
        let order = context.transaction().metadata_1().to_owned();
        let attempt = Delivery::from_context(context).map(|delivery| delivery.attempt()).unwrap_or_default();
        if aborts && order == "order-1" {
            std::process::abort();
        }
        async move {
            if exits {
                return std::future::pending().await;
            }
            tokio::time::sleep(WORK).await;
            println!("succeeded {order} {attempt}");
        }
    };
    let builder = Athm::builder().database_url(database).trust_callbacks().clock(Pace { since, speed }.clock());
    let builder = builder.connect(ReceiverOptions::new("ship").attempts(attempts), [Signal::Completed], receive);
    let athm = builder.start().await?;
    // The one that aborts comes last, when all others run.
    for n in (1..=payments).rev() {
        let payment = Transaction::builder(Status::Completed, Amount::from_cents(2500));
        let payment = payment.reference_number(format!("12-{n}").parse()?).metadata_1(format!("order-{n}"));
        athm.record(payment.build(), Sender::CALLBACK).await?;
    }
    if exits {
        std::process::exit(0);
    }
    loop {
        athm.idle().await;
        let dead = athm.deliveries().dead().await?;
        for delivery in &dead {
            println!(
                "dead {} {} {}",
                delivery.transaction_id,
                delivery.attempts,
                delivery.error.as_deref().unwrap_or_default()
            );
        }
        // What waits for another attempt is the one that aborts.
        if !aborts || !dead.is_empty() {
            break;
        }
        tokio::time::sleep(WORK).await;
    }
    athm.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
