//! How many callbacks a second are made durable and delivered, beside an HTTP handler that makes nothing durable, and
//! beside what users would pick instead.
//!
//! Every contender is a process of its own on a fresh database, and takes its measurements interleaved with the others, so that
//! what else the machine does hits all alike. Callbacks are unverified, with two items and two receivers each. A turn lasts
//! from the first post to the last acknowledgement: *accepted* callbacks were answered, *delivered* ones are those whose
//! deliveries have all succeeded, and after each turn every row is counted. PostgreSQL takes part when there is a server:
//!
//!     tests/with-postgres cargo run --release -p athm-tests --features postgres --bin bench -- --peers --django

mod chart;
mod contender;
mod database;
mod expectations;
mod grown;
mod load;
mod own_rows;
mod peers;
mod process;
mod series;
mod serve;
mod stand_in;
mod sync;
mod table;
mod turn;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use self::contender::{Contender, Rows};
use self::expectations::expectations;
use self::series::{Drains, Series};
use self::table::Table;
use self::turn::Conditions;

/// Where the chart and prepared databases are kept.
const BENCH_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench");

/// How many callbacks a second are made durable and delivered.
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
    /// One turn of two seconds each: under two minutes in all.
    #[arg(long, conflicts_with_all = ["repeats", "seconds"])]
    quick: bool,
    /// The contenders (default: all that are available).
    #[arg(long, value_enum, value_delimiter = ',')]
    contenders: Vec<Contender>,
    /// Also measures the same work written by hand with actix-web and sqlx. Builds it first.
    #[arg(long)]
    peers: bool,
    /// Also measures django-athm under gunicorn. Installs it into a virtual environment under `target` first.
    #[arg(long)]
    django: bool,
    /// More that is measured, of athm alone.
    #[arg(long, value_enum, value_delimiter = ',')]
    series: Vec<Series>,
    /// How many payments there are before the turns of the series `growth` and `start`. A file with them is prepared once,
    /// and kept under `target/bench`: 1 GB for each million.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000])]
    grown: Vec<usize>,
    /// Closes with a line of JSON for each row instead of the table.
    #[arg(long)]
    json: bool,
    /// Is that contender, and serves.
    #[arg(long, hide = true, value_enum, requires = "database")]
    serve: Option<Contender>,
    /// Where that contender keeps its rows.
    #[arg(long, hide = true)]
    database: Option<String>,
    /// How many receivers that contender has.
    #[arg(long, hide = true, default_value_t = 2)]
    receivers: u32,
    /// Where that contender verifies callbacks.
    #[arg(long, hide = true)]
    provider: Option<String>,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    match (options.serve, &options.database) {
        (Some(contender), Some(database)) => {
            serve::serve(contender, database, options.receivers, options.provider.as_deref())
                .map(|()| ExitCode::SUCCESS)
        }
        _ => actix_web::rt::System::new().block_on(bench(&options)),
    }
}

impl Options {
    /// The contenders that can take part: PostgreSQL needs a server, a peer must have been asked for.
    fn available(&self) -> Vec<Contender> {
        let has_server = cfg!(feature = "postgres") && std::env::var_os("ATHM_TEST_POSTGRES_URL").is_some();
        let is_asked_for = |contender: &Contender| match contender.rows() {
            Rows::None | Rows::Athm => true,
            Rows::ByHand => self.peers,
            Rows::Django => self.django,
        };
        let each = Contender::value_variants().iter().copied().filter(is_asked_for);
        each.filter(|contender| has_server || !contender.needs_server()).collect()
    }
}

async fn bench(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let available = options.available();
    let contenders = if options.contenders.is_empty() { &available } else { &options.contenders };
    if let Some(missing) = contenders.iter().find(|contender| !available.contains(contender)) {
        return Err(format!("{missing} needs --peers, --django, or a server: tests/with-postgres").into());
    }
    if options.peers {
        peers::build_by_hand()?;
    }
    if options.django {
        peers::install_django()?;
    }
    #[cfg(feature = "postgres")]
    if !options.quick && contenders.iter().any(|contender| contender.needs_server()) {
        database::create_wal_files();
    }
    let (repeats, seconds) = if options.quick { (1, 2) } else { (options.repeats, options.seconds) };
    let time = Duration::from_secs(seconds);
    let measurements = options.concurrency.len() as u64 * u64::from(repeats) * contenders.len() as u64;
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} measurements  {elapsed_precise}  {msg}")?;
    let progress = ProgressBar::new(measurements).with_style(style);
    let mut table = Table::default();
    for &connections in &options.concurrency {
        for _ in 0..repeats {
            table.add_sync(sync::measure()?);
            for &contender in contenders {
                progress.set_message(format!("{contender} at {connections}"));
                let conditions = Conditions { connections, ..Conditions::usual(time) };
                table.add(turn::measure(contender, conditions).await?);
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    let mut drains = Drains::default();
    for &series in &options.series {
        series::run(series, contenders, (time, &options.grown), &mut drains).await?;
    }
    if options.json {
        print!("{}", table.json_lines());
    } else {
        print!("{table}{drains}");
        expectations(&table, &drains).iter().for_each(|expectation| println!("{expectation}"));
        println!("{}", chart::write(&table)?.display());
    }
    Ok(ExitCode::SUCCESS)
}
