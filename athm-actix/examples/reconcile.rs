//! Compares the books with the provider's, with a progress bar:
//!
//! ```sh
//! cargo run -p athm-actix --example reconcile -- 30            # the last 30 days
//! cargo run -p athm-actix --example reconcile -- 30 --dry-run  # only looks
//! ```
//!
//! It reads the environment as every program does: `ATHM_PUBLIC_TOKEN`, `ATHM_PRIVATE_TOKEN`, `ATHM_DATABASE_URL`,
//! `ATHM_API_URL`. A database file must not be in use by another program meanwhile.

use std::error::Error;
use std::time::Duration;

use athm_actix::{Athm, Dispatcher};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

const USAGE: &str = "usage: reconcile DAYS [--dry-run]";

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (days, is_dry) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [days] => (days.parse::<u16>().map_err(|_| USAGE)?, false),
        [days, "--dry-run"] | ["--dry-run", days] => (days.parse::<u16>().map_err(|_| USAGE)?, true),
        _ => return Err(USAGE.into()),
    };
    // Its signals are delivered by the program that has the receivers.
    let builder = Athm::builder().from_env()?.dispatcher(Dispatcher::linked()).without_sweeper();
    let athm = builder.start().await?;

    let bar = ProgressBar::new(100);
    bar.set_style(ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}")?);
    let until = Timestamp::now();
    let from = until - SignedDuration::from_hours(24 * i64::from(days));
    let reconciliation = athm.reconcile(from, until).on_progress(|progress| {
        bar.set_position(progress.percent().into());
        bar.set_message(format!(
            "{} entries, {} missing, {} differences",
            progress.entries, progress.missing, progress.differences
        ));
    });
    let found = if is_dry { reconciliation.dry_run().await } else { reconciliation.run().await };
    bar.finish();
    let found = found?;

    found.missing.iter().for_each(|missing| println!("missing   {} {}", missing.reference_number, missing.total));
    found
        .differences
        .iter()
        .for_each(|difference| println!("differs   {} {}", difference.reference_number, difference.what));
    found
        .unmended
        .iter()
        .for_each(|difference| println!("unmended  {} {}", difference.reference_number, difference.what));
    found.unreported.iter().for_each(|payment| println!("unknown to the provider: {payment}"));
    println!("{} entries compared; {}", found.entries, if found.agrees() { "the books agree" } else { "see above" });
    athm.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
