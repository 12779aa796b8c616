//! What is shown in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::contender::Contender;
use crate::load::Load;

/// One contender's turn.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) contender: Contender,
    pub(crate) concurrency: usize,
    pub(crate) load: Load,
    pub(crate) memory: u64,
}

/// All measurements, by concurrency and contender.
#[derive(Debug, Default)]
pub(crate) struct Table {
    measurements: BTreeMap<(usize, Contender), Vec<Measurement>>,
    /// How long the disk took for one commit, each time that this was measured.
    syncs: Vec<Duration>,
}

/// The middle of several measurements.
pub(crate) struct Row {
    median: f64,
    least: f64,
    most: f64,
    pub(crate) p50_ms: f64,
    p99_ms: f64,
    pub(crate) memory_mib: f64,
}

impl Table {
    pub(crate) fn add(&mut self, turn: Measurement) {
        self.measurements.entry((turn.concurrency, turn.contender)).or_default().push(turn);
    }

    pub(crate) fn add_sync(&mut self, sync: Duration) {
        self.syncs.push(sync);
    }

    pub(crate) fn row(&self, concurrency: usize, contender: Contender) -> Option<Row> {
        self.measurements.get(&(concurrency, contender)).map(|measurements| Row::of(measurements))
    }

    /// What part of the other's speed that is.
    pub(crate) fn ratio(&self, concurrency: usize, contender: Contender, other: Contender) -> Option<f64> {
        Some(self.row(concurrency, contender)?.median / self.row(concurrency, other)?.median)
    }

    /// What the disk takes for one commit, in milliseconds.
    pub(crate) fn sync_ms(&self) -> Option<f64> {
        let mut syncs = self.syncs.clone();
        syncs.sort_unstable();
        syncs.get(syncs.len() / 2).map(|sync| sync.as_secs_f64() * 1000.0)
    }

    pub(crate) fn json_lines(&self) -> String {
        let line = |(&(concurrency, contender), measurements): (&(usize, Contender), &Vec<Measurement>)| {
            let row = Row::of(measurements);
            let line = serde_json::json!({
                "contender": contender.to_string(), "concurrency": concurrency, "per_second": row.median,
                "least": row.least, "most": row.most, "p50_ms": row.p50_ms, "p99_ms": row.p99_ms,
                "memory_mib": row.memory_mib, "fsync_ms": self.sync_ms(),
                "of_no_database": self.ratio(concurrency, contender, Contender::NoDatabase),
            });
            format!("{line}\n")
        };
        self.measurements.iter().map(line).collect()
    }
}

impl Row {
    fn of(measurements: &[Measurement]) -> Self {
        let sorted = |value: fn(&Measurement) -> f64| {
            let mut values: Vec<f64> = measurements.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let median = |values: &[f64]| values.get(values.len() / 2).copied().unwrap_or_default();
        let speeds = sorted(|turn| turn.load.per_second);
        Self {
            median: median(&speeds),
            least: speeds.first().copied().unwrap_or_default(),
            most: speeds.last().copied().unwrap_or_default(),
            p50_ms: median(&sorted(|turn| turn.load.p50.as_secs_f64() * 1000.0)),
            p99_ms: median(&sorted(|turn| turn.load.p99.as_secs_f64() * 1000.0)),
            memory_mib: median(&sorted(|turn| turn.memory as f64 / 1024.0)),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>5}  {:<22} {:>10} {:>17} {:>6} {:>9} {:>9} {:>8}",
            "conn.", "contender", "callb./s", "min–max", "ratio", "p50 ms", "p99 ms", "MiB"
        )?;
        for (&(concurrency, contender), measurements) in &self.measurements {
            let Row { median, least, most, p50_ms, p99_ms, memory_mib } = Row::of(measurements);
            let ratio = self.ratio(concurrency, contender, Contender::NoDatabase).unwrap_or(f64::NAN);
            let range = format!("{least:.0}–{most:.0}");
            writeln!(
                f,
                "{concurrency:>5}  {contender:<22} {median:>10.0} {range:>17} {ratio:>6.2} {p50_ms:>9.2} {p99_ms:>9.2} {memory_mib:>8.1}"
            )?;
        }
        if let Some(sync_ms) = self.sync_ms() {
            writeln!(f, "one fsync: {sync_ms:.2} ms")?;
        }
        Ok(())
    }
}
