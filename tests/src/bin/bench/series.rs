//! More than the number of connections is varied: payments with many items, many receivers, several processes on one
//! database, a backlog.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use clap::ValueEnum;

use crate::contender::{Contender, Rows};
use crate::turn::{self, Conditions};

/// How many deliveries are due in a backlog.
const BACKLOG: usize = 200_000;
/// How many deliveries are due at a start with many payments.
const DUE_AT_START: usize = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Series {
    /// Payments with 1 and with 100 items.
    Items,
    /// 1, 10 and 100 receivers.
    Receivers,
    /// 1, 2 and 4 processes on one PostgreSQL.
    Processes,
    /// A backlog that is due at the start, for one process, and for three on PostgreSQL.
    Backlog,
    /// More connections than there is capacity for.
    Burst,
    /// With no payments before, and with a million, or as many as `--grown` says.
    Growth,
    /// Callbacks that are verified at a stand-in which takes 20 ms, over 256 connections.
    Verified,
    /// The start, with nothing, and with as many payments and 100,000 due deliveries.
    Start,
}

/// How fast backlogs were drained.
#[derive(Debug, Default)]
pub(crate) struct Drains(BTreeMap<(Contender, usize), Duration>);

impl Drains {
    /// Deliveries a second, by that many processes.
    pub(crate) fn rate(&self, contender: Contender, processes: usize) -> Option<f64> {
        self.0.get(&(contender, processes)).map(|taken| BACKLOG as f64 / taken.as_secs_f64())
    }
}

impl fmt::Display for Drains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((contender, processes), taken) in &self.0 {
            let (seconds, rate) = (taken.as_secs_f64(), self.rate(*contender, *processes).unwrap_or_default());
            writeln!(
                f,
                "a backlog of {BACKLOG} deliveries, {contender}, processes: {processes}: {seconds:.1} s, {rate:.0}/s"
            )?;
        }
        Ok(())
    }
}

/// Measures a series of each contender of athm, and prints a line for each turn. `grown` is how many payments there are before
/// turns that measure growth.
pub(crate) async fn run(
    series: Series,
    contenders: &[Contender],
    (time, grown): (Duration, &[usize]),
    drains: &mut Drains,
) -> Result<(), Box<dyn std::error::Error>> {
    let is_grouped =
        |contender: &&Contender| matches!(contender, Contender::SqliteGrouped | Contender::PostgresGrouped);
    let usual = Conditions::usual(time);
    for &contender in contenders.iter().filter(is_grouped) {
        let turns: Vec<Conditions> = match series {
            Series::Items => [1, 100].map(|items| Conditions { items, ..usual }).into(),
            Series::Receivers => [1, 10, 100].map(|receivers| Conditions { receivers, ..usual }).into(),
            Series::Processes if contender.needs_server() => {
                [1, 2, 4].map(|processes| Conditions { processes, ..usual }).into()
            }
            Series::Burst => vec![Conditions { connections: 1000, ..usual }],
            Series::Growth => with_none(grown).map(|grown| Conditions { grown, ..usual }).collect(),
            Series::Verified => [false, true].map(|verified| Conditions { connections: 256, verified, ..usual }).into(),
            Series::Processes | Series::Backlog | Series::Start => Vec::new(),
        };
        for conditions in turns {
            let found = turn::measure(contender, conditions).await?;
            let Conditions { connections, items, receivers, processes, grown, verified, .. } = conditions;
            let (accepted, delivered) = (found.load.per_second, found.delivered_per_second);
            println!(
                "{contender}, connections: {connections}, items: {items}, receivers: {receivers}, processes: {processes}, \
                 payments before: {grown}, verified: {verified}: {accepted:.0} accepted/s, {delivered:.0} delivered/s, p99 {:.1} ms, {:.1} MiB",
                found.load.p99.as_secs_f64() * 1000.0,
                found.memory as f64 / 1024.0
            );
        }
        if series == Series::Start {
            for grown in with_none(grown) {
                let due = grown.min(DUE_AT_START);
                let taken = turn::start(contender, grown, due).await?.as_secs_f64() * 1000.0;
                println!("{contender}, start to first answer, payments: {grown}, due deliveries: {due}: {taken:.0} ms");
            }
        }
        if series == Series::Backlog && contender.rows() == Rows::Athm {
            let processes: &[usize] = if contender.needs_server() { &[1, 3] } else { &[1] };
            for &processes in processes {
                drains.0.insert((contender, processes), turn::drain(contender, BACKLOG, processes).await?);
            }
        }
    }
    Ok(())
}

fn with_none(grown: &[usize]) -> impl Iterator<Item = usize> {
    [0].into_iter().chain(grown.iter().copied())
}
