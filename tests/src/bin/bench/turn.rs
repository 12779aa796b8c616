//! One turn of a contender, from the first post to the last acknowledgement.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::contender::{Contender, Rows};
use crate::database::{ContenderDatabase, Expected};
use crate::load::{self, Load};
use crate::process::Process;
use crate::stand_in;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What a turn is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    pub(crate) items: usize,
    pub(crate) receivers: u32,
    pub(crate) processes: usize,
    /// How many payments are there already.
    pub(crate) grown: usize,
    /// Whether each callback is verified, at a stand-in that takes its time.
    pub(crate) verified: bool,
}

impl Conditions {
    pub(crate) fn usual(time: Duration) -> Self {
        Self { connections: 64, time, items: 2, receivers: 2, processes: 1, grown: 0, verified: false }
    }
}

/// One contender's turn.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) contender: Contender,
    pub(crate) connections: usize,
    pub(crate) load: Load,
    /// Payments of which all deliveries have succeeded, divided by the time from the first post to the last
    /// acknowledgement.
    pub(crate) delivered_per_second: f64,
    /// The 99th percentile of the time from the observation of a payment, before its commit, to the start of its receiver.
    pub(crate) lag: Option<Duration>,
    /// The most memory that its processes have held, in KiB.
    pub(crate) memory: u64,
    /// The processor time for 10,000 callbacks.
    pub(crate) processor_time: Duration,
}

pub(crate) async fn measure(contender: Contender, conditions: Conditions) -> Result<Measurement> {
    let Conditions { connections, time, items, receivers, processes, grown, verified } = conditions;
    let database = grown_database(contender, grown).await?;
    let provider = if verified { Some(stand_in::start()?) } else { None };
    let started = start_all(contender, &database, receivers, processes, provider.as_deref())?;
    let addresses: Vec<_> = started.iter().map(|process| process.address).collect();
    let start = Instant::now();
    let load = load::run(&addresses, connections, load::Body { items, verified }, load::Until::Time(time)).await?;
    let (mut lag, mut taken) = (None, load.taken);
    if contender.rows() == Rows::Athm {
        database.wait_until_delivered()?;
        taken = start.elapsed();
        lag = try_join_all(started.iter().map(Process::finish)).await?.into_iter().flatten().max();
    }
    let memory = started.iter().map(Process::memory).sum();
    let used: Duration = started.iter().map(Process::processor_time).sum();
    drop(started);
    let expected = Expected { payments: load.answered + grown, items, receivers };
    database.audit(contender, expected).map_err(|fault| format!("{contender}: {fault}"))?;
    let delivered_per_second = load.answered as f64 / taken.as_secs_f64();
    let processor_time = used.mul_f64(10_000.0 / load.answered.max(1) as f64);
    Ok(Measurement { contender, connections, load, delivered_per_second, lag, memory, processor_time })
}

/// A database with that many payments, or an empty one without tables.
async fn grown_database(contender: Contender, payments: usize) -> Result<ContenderDatabase> {
    let database = ContenderDatabase::of(contender);
    if payments > 0 && !database.copy_prepared(payments)? {
        Process::start(contender, &database.url(), 2, None)?.finish().await?;
        database.grow(payments)?;
        database.keep_prepared(payments)?;
    }
    Ok(database)
}

fn start_all(
    contender: Contender,
    database: &ContenderDatabase,
    receivers: u32,
    processes: usize,
    provider: Option<&str>,
) -> Result<Vec<Process>> {
    (0..processes).map(|_| Process::start(contender, &database.url(), receivers, provider)).collect()
}

/// How long it takes from the start of a process until its first callback is answered, with that many payments and due
/// deliveries in the database.
pub(crate) async fn start(contender: Contender, grown: usize, due: usize) -> Result<Duration> {
    let database = grown_database(contender, grown).await?;
    if grown == 0 {
        // The tables are there.
        Process::start(contender, &database.url(), 2, None)?.finish().await?;
    }
    database.make_due(due)?;
    let start = Instant::now();
    let process = Process::start(contender, &database.url(), 2, None)?;
    let body = load::Body { items: 2, verified: false };
    load::run(&[process.address], 1, body, load::Until::Count(1)).await?;
    Ok(start.elapsed())
}

/// How long processes take for a backlog of that many due deliveries, two of each payment.
pub(crate) async fn drain(contender: Contender, deliveries: usize, processes: usize) -> Result<Duration> {
    let (database, receivers) = (ContenderDatabase::of(contender), 2);
    let payments = deliveries / receivers as usize;
    let filling = Process::start(contender, &database.url(), receivers, None)?;
    let body = load::Body { items: 2, verified: false };
    load::run(&[filling.address], 64, body, load::Until::Count(payments)).await?;
    filling.finish().await?;
    drop(filling);
    database.make_due(deliveries)?;
    let start = Instant::now();
    let started = start_all(contender, &database, receivers, processes, None)?;
    database.wait_until_delivered()?;
    let taken = start.elapsed();
    try_join_all(started.iter().map(Process::finish)).await?;
    drop(started);
    database
        .audit(contender, Expected { payments, items: 2, receivers })
        .map_err(|fault| format!("{contender}: {fault}"))?;
    Ok(taken)
}
