//! Lets everything go wrong at once, and looks whether the books agree in the end.
//!
//! Child processes run athm against a simulator of the provider whose requests fail, hang, lie and come to effect late,
//! and whose webhooks are lost, doubled, delayed, reordered and forged. The parent plays the shop, the customers, their
//! browsers and a stranger who floods the children with junk, kills the children at random if asked to, and compares what
//! is recorded, and what receivers did, with the simulator's ledger. For some payments a receiver aborts or exits its
//! process, hangs, or panics when its timeout drops it. Rows are damaged by hand, and locked by an idle session. Time runs
//! fast for all of them.

mod audit;
mod child;
mod cluster;
mod effects;
mod scenario;
mod trouble;

use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use athm_actix::ids::EcommerceId;
use athm_actix::{Status, TransactionKind};
use athm_simulator::{FaultRates, PaymentChannel, RefundReference, Simulator, WebhookFaultRates, WebhookShape};
use athm_tests::{DatabaseKind, Pace, RunDatabase};
use clap::Parser;
use fastrand::Rng;
use futures_util::future::join;
use futures_util::stream::{self, StreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::audit::{Books, Findings, audit};
use self::cluster::ProcessCluster;
use self::effects::Effects;
use self::scenario::{PaymentScenario, ScenarioOutcome};
use self::trouble::make_trouble;

/// How long it may take until all is as it should be, once nothing goes wrong any more.
const SETTLING: Duration = Duration::from_secs(240);
/// How many requests the simulator remembers: what it forgets can't be looked at.
const REMEMBERED: usize = 100_000;

/// Lets everything go wrong at once, and looks whether the books agree in the end.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Options {
    /// How many payments are made.
    #[arg(long, default_value_t = 200)]
    payments: u32,
    /// Makes chance the same every time, as far as the order of things allows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where payments are kept.
    #[arg(long, value_enum, default_value_t = DatabaseKind::Sqlite)]
    database: DatabaseKind,
    /// How often a process is killed, at random.
    #[arg(long, default_value_t = 0)]
    kills: u32,
    /// How many processes share the database (one, on SQLite).
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    processes: u8,
    /// How many payments are under way at once.
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
    /// How many of a thousand requests go wrong, and how many of a thousand webhooks.
    #[arg(long, default_value_t = 250)]
    faults: u16,
    /// Closes with one line of JSON alone.
    #[arg(long)]
    json: bool,
    /// How many seconds pass in one, for athm and for the provider. A process that stands still for 25 of them is one that
    /// athm takes for dead: then an authorization may come after another's. When one did, the error output says so, and
    /// a repeated call that is found may be due to it: let time pass less fast then.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    speed: u32,
    /// Is a process that is put to the test, with its files in that folder.
    #[arg(long, hide = true, requires_all = ["database_url", "api_url", "since"])]
    serve: Option<PathBuf>,
    #[arg(long, hide = true)]
    database_url: Option<String>,
    #[arg(long, hide = true)]
    api_url: Option<String>,
    #[arg(long, hide = true)]
    since: Option<u64>,
    /// Its receivers may end it.
    #[arg(long, hide = true)]
    may_end: bool,
}

/// The arguments of a process under test.
#[derive(Debug, Clone)]
struct Serve {
    folder: PathBuf,
    database_url: String,
    api_url: String,
    pace: Pace,
    may_end: bool,
}

impl Serve {
    fn of(options: &Options) -> Option<Self> {
        Some(Self {
            folder: options.serve.clone()?,
            database_url: options.database_url.clone()?,
            api_url: options.api_url.clone()?,
            pace: Pace { since: options.since?, speed: options.speed },
            may_end: options.may_end,
        })
    }

    /// How long a call to the provider may take: short enough that it ends before it counts as ended, in fast time.
    fn timeout(&self) -> Duration {
        Duration::from_secs(5) / self.pace.speed
    }

    fn arguments(&self) -> Vec<OsString> {
        let pairs: [(&str, OsString); 5] = [
            ("--serve", self.folder.clone().into()),
            ("--database-url", self.database_url.clone().into()),
            ("--api-url", self.api_url.clone().into()),
            ("--since", self.pace.since.to_string().into()),
            ("--speed", self.pace.speed.to_string().into()),
        ];
        let pairs = pairs.into_iter().flat_map(|(name, value)| [name.into(), value]);
        pairs.chain(self.may_end.then(|| "--may-end".into())).collect()
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    match Serve::of(&options) {
        Some(serve) => child::serve(&serve).map(|()| ExitCode::SUCCESS),
        None => actix_web::rt::System::new().block_on(chaos(&options)),
    }
}

async fn chaos(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let database = Arc::new(RunDatabase::new(options.database, folder.path())?);
    let pace = Pace::from_now(options.speed);
    let simulator = Simulator::builder()
        .clock_speed(options.speed)
        .seed(options.seed)
        .payment_channel(PaymentChannel::Web)
        .webhook_shape(WebhookShape::Mixed)
        .refund_reference(if options.seed.is_multiple_of(2) { RefundReference::Own } else { RefundReference::Payment })
        .start()
        .await?;
    let serve = Serve {
        folder: folder.path().to_owned(),
        database_url: database.url(),
        api_url: simulator.url().to_owned(),
        pace,
        may_end: options.kills > 0,
    };
    let cluster = ProcessCluster::open(&serve, options.processes.into()).await?;
    simulator.subscribe(&cluster.webhook_url().ok_or("no process runs")?)?;
    simulator.set_faults(FaultRates::all(options.faults));
    simulator.set_webhook_faults(WebhookFaultRates::all(options.faults));

    let bar = ProgressBar::new(options.payments.into())
        .with_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} payments  {elapsed_precise}  {msg}")?);
    pace.watch();
    let reviving = actix_web::rt::spawn(revive(simulator.clone(), cluster.clone()));
    let flooding = actix_web::rt::spawn(flood(cluster.clone()));
    let troubling = actix_web::rt::spawn(make_trouble(simulator.clone(), cluster.clone(), Arc::clone(&database)));
    let (payments, opened) = run_scenarios(options, &simulator, &cluster, &bar).await?;
    troubling.abort();

    simulator.set_faults(FaultRates::none());
    simulator.set_webhook_faults(WebhookFaultRates::none());
    reconcile(&simulator, &cluster).await?;
    let findings = settle(&simulator, &cluster, &Effects::in_folder(folder.path()), &opened, &bar).await?;
    reviving.abort();
    flooding.abort();
    if simulator.requests().len() >= REMEMBERED {
        return Err("the simulator dropped its first requests: make fewer payments".into());
    }
    bar.finish_and_clear();
    for detail in &findings.details {
        eprintln!("{detail}");
    }
    if !options.json {
        println!("{}", figures(&simulator));
    }
    println!("{}", line(payments, &findings));
    database.check_parents()?;
    Ok(if findings.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All payments happen, and processes are killed on the way. Tells how many there were, and which ones the shop opened.
async fn run_scenarios(
    options: &Options,
    simulator: &Simulator,
    cluster: &ProcessCluster,
    bar: &ProgressBar,
) -> Result<(u32, HashSet<EcommerceId>), Box<dyn std::error::Error>> {
    let mut random = Rng::with_seed(options.seed);
    let mut kills: Vec<u32> = (0..options.kills).map(|_| random.u32(0..options.payments)).collect();
    kills.sort_unstable();

    let scenarios: Vec<_> = (0..options.payments)
        .map(|number| {
            let (simulator, cluster, random) = (simulator.clone(), cluster.clone(), random.fork());
            PaymentScenario { simulator, cluster, random, number }.run()
        })
        .collect();
    let mut scenarios = stream::iter(scenarios).buffer_unordered(options.concurrency);
    let (ended, killed) = (Cell::new(0), Cell::new(0));
    let killing = async {
        for at in kills {
            while ended.get() < at {
                sleep(Duration::from_millis(5)).await;
            }
            cluster.kill(&mut random).await?;
            simulator.subscribe(&cluster.webhook_url().ok_or("no process runs")?)?;
            killed.set(killed.get() + 1);
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let running = async {
        let (mut opened_count, mut opened) = (0, HashSet::new());
        while let Some(scenario) = scenarios.next().await {
            opened_count += u32::from(!matches!(scenario, ScenarioOutcome::NotOpened));
            if let ScenarioOutcome::Opened(ecommerce_id) = scenario {
                opened.insert(ecommerce_id);
            }
            ended.set(ended.get() + 1);
            bar.inc(1);
            bar.set_message(format!("{} kills", killed.get()));
        }
        (opened_count, opened)
    };
    let (killing, ran) = join(killing, running).await;
    killing.map(|()| ran)
}

/// Starts processes again that receivers have ended.
async fn revive(simulator: Simulator, cluster: ProcessCluster) {
    loop {
        sleep(Duration::from_millis(20)).await;
        if cluster.revive().await
            && let Some(url) = cluster.webhook_url()
        {
            let _ = simulator.subscribe(&url);
        }
    }
}

/// A sender of junk.
async fn flood(cluster: ProcessCluster) {
    let mut random = Rng::with_seed(0);
    loop {
        cluster.post_junk(&mut random).await;
        sleep(Duration::from_millis(2)).await;
    }
}

/// Reconciles once all payments have ended: only reconciliation finds a payment whose webhook was lost.
async fn reconcile(simulator: &Simulator, cluster: &ProcessCluster) -> Result<(), Box<dyn std::error::Error>> {
    let deadline = Instant::now() + SETTLING;
    while simulator.payments().iter().any(|payment| matches!(payment.status, Status::Open | Status::Confirmed)) {
        sleep(Duration::from_millis(200)).await;
    }
    while cluster.post("/reconcile", &Value::Null, &mut Rng::with_seed(0)).await.is_none() {
        if Instant::now() > deadline {
            return Err("the books can't be compared".into());
        }
        sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Waits until all is as it should be, or for as long as that may take.
async fn settle(
    simulator: &Simulator,
    cluster: &ProcessCluster,
    effects: &Effects,
    opened: &HashSet<EcommerceId>,
    bar: &ProgressBar,
) -> Result<Findings, Box<dyn std::error::Error>> {
    let deadline = Instant::now() + SETTLING;
    loop {
        // A payment with another total than the expected one fires `completed` once that is accepted.
        cluster.post("/accept-mismatches", &Value::Null, &mut Rng::with_seed(0)).await;
        let Some(rows) = cluster.recorded().await else {
            // A receiver has ended the process that was asked.
            if Instant::now() > deadline {
                return Err("what is recorded can't be read".into());
            }
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let findings = audit(simulator, &Books { rows: &rows, done: &effects.done()?, opened });
        let is_pending =
            simulator.payments().iter().any(|payment| matches!(payment.status, Status::Open | Status::Confirmed));
        if (findings.is_settled() && !is_pending) || Instant::now() > deadline {
            return Ok(findings);
        }
        bar.set_message(format!("settling: {}", findings.details.len()));
        sleep(Duration::from_millis(500)).await;
    }
}

/// What happened, for people.
fn figures(simulator: &Simulator) -> String {
    let (requests, webhooks) = (simulator.requests(), simulator.webhooks());
    let spoilt = requests.iter().filter(|request| request.fault.is_some()).count();
    let mistreated = webhooks.iter().filter(|webhook| webhook.fault.is_some()).count();
    let payments = simulator.payments();
    let completed = |kind| payments.iter().filter(|it| it.kind == kind && it.status == Status::Completed).count();
    let (paid, refunds) = (completed(TransactionKind::Ecommerce), completed(TransactionKind::Refund));
    format!(
        "payments that were paid                  {paid:>10}\n\
         refunds                                  {refunds:>10}\n\
         requests to the provider                 {:>10}\n\
           of these went wrong                    {spoilt:>10}\n\
         webhooks                                 {:>10}\n\
           of these went wrong                    {mistreated:>10}",
        requests.len(),
        webhooks.len(),
    )
}

/// In the order in which people read it.
fn line(payments: u32, findings: &Findings) -> String {
    let Findings { state_mismatches, signals_missing, signals_doubled, money_calls_repeated, .. } = findings;
    format!(
        "{{\"payments\":{payments},\"state_mismatches\":{state_mismatches},\"signals_missing\":{signals_missing},\
         \"signals_doubled\":{signals_doubled},\"money_calls_repeated\":{money_calls_repeated}}}"
    )
}
