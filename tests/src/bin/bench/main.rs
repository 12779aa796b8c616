//! How many callbacks a second are made durable, beside an HTTP handler that makes nothing durable.
//!
//! Every contender is a process of its own on a fresh database, and takes its turns interleaved with the others, so that
//! what else the machine does hits all alike. Callbacks are unverified, with two items and two receivers each; after
//! each turn every row is counted.

mod contender;
mod load;
mod process;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use self::contender::Contender;
use self::table::{Table, Turn};

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
    /// Closes with a line of JSON for each row instead of the table.
    #[arg(long)]
    json: bool,
    /// Is that contender, and serves.
    #[arg(long, hide = true, value_enum)]
    serve: Option<Contender>,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    match options.serve {
        Some(contender) => contender.serve().map(|()| ExitCode::SUCCESS),
        None => actix_web::rt::System::new().block_on(bench(&options)),
    }
}

async fn bench(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let turns = options.concurrency.len() as u64 * u64::from(options.repeats) * Contender::ALL.len() as u64;
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} turns  {elapsed_precise}  {msg}")?;
    let progress = ProgressBar::new(turns).with_style(style);
    let mut table = Table::default();
    for &concurrency in &options.concurrency {
        for _ in 0..options.repeats {
            for contender in Contender::ALL {
                progress.set_message(format!("{contender} at {concurrency}"));
                table.add(turn(contender, concurrency, Duration::from_secs(options.seconds)).await?);
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    if options.json {
        print!("{}", table.json_lines())
    } else {
        print!("{table}")
    }
    Ok(ExitCode::SUCCESS)
}

async fn turn(contender: Contender, concurrency: usize, time: Duration) -> Result<Turn, Box<dyn std::error::Error>> {
    let process = process::Process::start(contender)?;
    let load = load::run(process.address, concurrency, time).await?;
    let memory = process.memory();
    if contender.keeps_rows() {
        let rows = process.rows().await?;
        if rows < load.answered {
            return Err(format!("{contender} answered {} callbacks and keeps {rows}", load.answered).into());
        }
    }
    Ok(Turn { contender, concurrency, load, memory })
}
