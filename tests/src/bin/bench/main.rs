//! How many callbacks a second are made durable, beside an HTTP handler that makes nothing durable.
//!
//! Every contender is a process of its own on a fresh database, and takes its measurements interleaved with the others, so that
//! what else the machine does hits all alike. Callbacks are unverified, with two items and two receivers each; after
//! each turn every row is counted. PostgreSQL takes part when there is a server:
//!
//!     tests/with-postgres cargo run --release -p athm-tests --features postgres --bin bench

mod contender;
mod database;
mod expectations;
mod load;
mod own_rows;
mod process;
mod sync;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use self::contender::Contender;
use self::database::ContenderDatabase;
use self::expectations::expectations;
use self::process::Process;
use self::table::{Measurement, Table};

/// How many callbacks a second are made durable.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// How many connections send at once, one number after another.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    concurrency: Vec<usize>,
    /// How often each contender takes its turn.
    #[arg(long, default_value_t = 5)]
    repeats: u32,
    /// How long a turn takes, in seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// The contenders (default: all that are available).
    #[arg(long, value_enum, value_delimiter = ',')]
    contenders: Vec<Contender>,
    /// Closes with a line of JSON for each row instead of the table.
    #[arg(long)]
    json: bool,
    /// Is that contender, and serves.
    #[arg(long, hide = true, value_enum, requires = "database")]
    serve: Option<Contender>,
    /// Where that contender keeps its rows.
    #[arg(long, hide = true)]
    database: Option<String>,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    match (options.serve, &options.database) {
        (Some(contender), Some(database)) => contender.serve(database).map(|()| ExitCode::SUCCESS),
        _ => actix_web::rt::System::new().block_on(bench(&options)),
    }
}

async fn bench(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let available = Contender::available();
    let contenders = if options.contenders.is_empty() { &available } else { &options.contenders };
    if let Some(missing) = contenders.iter().find(|contender| !available.contains(contender)) {
        return Err(format!("{missing} needs --features postgres and a server: tests/with-postgres").into());
    }
    let measurements = options.concurrency.len() as u64 * u64::from(options.repeats) * contenders.len() as u64;
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} measurements  {elapsed_precise}  {msg}")?;
    let progress = ProgressBar::new(measurements).with_style(style);
    let mut table = Table::default();
    for &concurrency in &options.concurrency {
        for _ in 0..options.repeats {
            table.add_sync(sync::measure()?);
            for &contender in contenders {
                progress.set_message(format!("{contender} at {concurrency}"));
                table.add(measure(contender, concurrency, Duration::from_secs(options.seconds)).await?);
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    if options.json {
        print!("{}", table.json_lines());
    } else {
        print!("{table}");
        expectations(&table).iter().for_each(|expectation| println!("{expectation}"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(
    contender: Contender,
    concurrency: usize,
    time: Duration,
) -> Result<Measurement, Box<dyn std::error::Error>> {
    let database = ContenderDatabase::of(contender);
    let process = Process::start(contender, &database.url())?;
    let began = Instant::now();
    let mut load = load::run(process.address, concurrency, time).await?;
    let memory = process.memory();
    if contender.keeps_rows() {
        process.finish().await?;
        if contender.has_own_rows() {
            load.per_second = load.answered as f64 / began.elapsed().as_secs_f64();
        }
        database.audit(contender, i64::try_from(load.answered)?).map_err(|fault| format!("{contender}: {fault}"))?;
    }
    Ok(Measurement { contender, concurrency, load, memory })
}
