//! Kills a program that takes payments, again and again, and counts what was lost.
//!
//! For some payments a receiver aborts or exits the program, hangs, or panics when its timeout drops it; senders post junk;
//! rows are damaged by hand, and locked by an idle session. None of that may harm any other payment.
//!
//! One child process or several serve callbacks on one database, with two receivers whose effects are kept in a file. The
//! parent posts callbacks as fast as they are answered, kills a child at random moments and starts it again. In the end
//! every callback that was acknowledged must be recorded once, and each of its receivers' effects be there.
//!
//!     cargo run -p athm-tests --bin soak
//!     tests/with-postgres cargo run -p athm-tests --features postgres --bin soak -- --database postgres --processes 3
//!
//! With `--exactly-once` the effects are rows in the same database, in a table without a unique key, and each commits with its
//! delivery: then no effect may be there twice, either.

mod child;
mod effects;
mod load;
mod own_rows;
mod report;
mod server_process;

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use athm_tests::{DatabaseKind, RunDatabase, Trouble};
use clap::Parser;
use futures_util::future::join;
use indicatif::{ProgressBar, ProgressStyle};

use self::effects::EffectsLog;
use self::load::Load;
use self::own_rows::OwnRows;
use self::report::Report;
use self::server_process::{Program, ServerProcess};

/// How long the effects of acknowledged callbacks may take after the last kill. A delivery that random kills made a suspect waits
/// for up to 5, 20 and 80 s between its attempts.
const SETTLING: Duration = Duration::from_secs(400);
/// How long each client pauses between two callbacks where each effect is a transaction of its own. A database commits fewer of
/// these than athm accepts callbacks: without a pause, minutes of work would be due after the last kill.
const PAUSE: Duration = Duration::from_millis(30);
/// After how many kills there is trouble in the database again.
const TROUBLE_INTERVAL: u32 = 20;
/// How often processes that receivers have ended are started again.
const REVIVAL: Duration = Duration::from_millis(100);

/// Kills a program that takes payments, again and again, and counts what was lost.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Options {
    /// How often the program is killed.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Where payments are kept.
    #[arg(long, value_enum, default_value_t = DatabaseKind::Sqlite)]
    database: DatabaseKind,
    /// How many processes share the database. One SQLite file serves one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    processes: u8,
    /// How many callbacks are under way at once.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// How many senders post junk meanwhile.
    #[arg(long, default_value_t = 4)]
    junk: usize,
    /// Makes the moments of the kills the same every time.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Has each effect exactly once: as a row that commits with its delivery.
    #[arg(long)]
    exactly_once: bool,
    /// Closes with one line of JSON instead of the table.
    #[arg(long)]
    json: bool,
    /// Is the program that is killed, with its files in that folder.
    #[arg(long, hide = true, requires = "at")]
    serve: Option<PathBuf>,
    /// Where that program keeps its payments.
    #[arg(long, hide = true)]
    at: Option<String>,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    match (&options.serve, &options.at) {
        (Some(folder), Some(database)) => {
            child::serve(folder, database, options.exactly_once).map(|()| ExitCode::SUCCESS)
        }
        _ => actix_web::rt::System::new().block_on(soak(&options)),
    }
}

async fn soak(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if options.database == DatabaseKind::Sqlite && options.processes > 1 {
        return Err("one SQLite file serves one process: --database postgres".into());
    }
    let folder = tempfile::tempdir()?;
    let database = RunDatabase::new(options.database, folder.path())?;
    let effects = if options.exactly_once {
        OwnRows::create(&database);
        EffectsLog::Rows(&database)
    } else {
        EffectsLog::File(folder.path().join("effects"))
    };
    let (database_url, exactly_once) = (database.url(), options.exactly_once);
    let program = Program { folder: folder.path().to_owned(), database: database_url, exactly_once };
    let mut random = fastrand::Rng::with_seed(options.seed);
    let progress = ProgressBar::new(options.kills.into())
        .with_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} kills  {elapsed_precise}  {msg}")?);

    let mut processes = Vec::new();
    for _ in 0..options.processes {
        processes.push(ServerProcess::start(&program).await?);
    }
    let urls = |processes: &[ServerProcess]| processes.iter().map(ServerProcess::url).collect::<Vec<_>>();
    let pause = if options.exactly_once { PAUSE } else { Duration::ZERO };
    let load = Arc::new(Load::new(urls(&processes), pause));
    let clients: Vec<_> = (0..options.concurrency).map(|n| actix_web::rt::spawn(Arc::clone(&load).run(n))).collect();
    let senders: Vec<_> = (0..options.junk).map(|n| actix_web::rt::spawn(Arc::clone(&load).run_junk(n))).collect();
    let (mut longest_recovery, mut ended, mut trouble) = (Duration::ZERO, 0, Trouble::default());
    for kill in 0..options.kills {
        tokio::time::sleep(Duration::from_millis(random.u64(10..250))).await;
        let process = random.usize(..processes.len());
        let recovery = processes[process].replace(&program).await?;
        longest_recovery = longest_recovery.max(recovery);
        ended += revive(&mut processes, &program).await?;
        load.go_on_at(urls(&processes));
        if kill % TROUBLE_INTERVAL == 0 {
            let (damaged, locked) = (format!("damaged-{kill}"), format!("locked-{kill}"));
            let mut made = pin!(join(load.deliver(&damaged), load.deliver(&locked)));
            // What it posts is answered by a process that runs, and a receiver may have ended the only one.
            while tokio::time::timeout(REVIVAL, &mut made).await.is_err() {
                ended += revive(&mut processes, &program).await?;
                load.go_on_at(urls(&processes));
            }
            trouble.make(&database, &damaged, &locked);
        }
        progress.inc(1);
        progress.set_message(format!("{} acknowledged", load.acknowledged().len()));
    }
    load.stop();
    trouble.end();
    for client in clients.into_iter().chain(senders) {
        client.await?;
    }

    let acknowledged = load.acknowledged();
    progress.set_message(format!("{} acknowledged, waiting for their effects", acknowledged.len()));
    let deadline = tokio::time::Instant::now() + SETTLING;
    while effects.missing(&acknowledged)? > 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(REVIVAL).await;
        ended += revive(&mut processes, &program).await?;
    }
    progress.finish_and_clear();
    // A receiver may end the process that is asked, too.
    let (recorded, dead) = loop {
        match futures_util::future::try_join(processes[0].recorded(), processes[0].dead()).await {
            Ok(read) => break read,
            Err(error) if tokio::time::Instant::now() >= deadline => return Err(error.into()),
            Err(_) => ended += revive(&mut processes, &program).await?,
        }
    };
    let report = Report::new(options.kills, ended, &acknowledged, &recorded, &dead, &effects, longest_recovery)?;
    drop(processes);
    if options.json {
        println!("{}", report.json())
    } else {
        println!("{report}")
    }
    database.check_parents()?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the processes again that receivers have ended. Returns how many.
async fn revive(processes: &mut [ServerProcess], program: &Program) -> Result<u32, Box<dyn std::error::Error>> {
    let mut ended = 0;
    for process in processes {
        if process.has_ended() {
            process.replace(program).await?;
            ended += 1;
        }
    }
    Ok(ended)
}
