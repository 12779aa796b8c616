//! What is shown in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::contender::Contender;
use crate::turn::Measurement;

/// All measurements, by concurrency and contender.
#[derive(Debug, Default)]
pub(crate) struct Table {
    measurements: BTreeMap<(usize, Contender), Vec<Measurement>>,
    /// How long the disk took for one commit, each time that this was measured.
    syncs: Vec<Duration>,
}

/// The middle of several measurements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) accepted: f64,
    pub(crate) delivered: f64,
    /// What part of the accepted payments was delivered at the rate at which they were accepted.
    pub(crate) delivered_of_accepted: f64,
    least: f64,
    most: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    longest_ms: f64,
    lag_p99_ms: Option<f64>,
    pub(crate) memory_mib: f64,
    processor_seconds: f64,
}

impl Table {
    pub(crate) fn add(&mut self, turn: Measurement) {
        self.measurements.entry((turn.connections, turn.contender)).or_default().push(turn);
    }

    pub(crate) fn add_sync(&mut self, sync: Duration) {
        self.syncs.push(sync);
    }

    pub(crate) fn row(&self, connections: usize, contender: Contender) -> Option<Row> {
        self.measurements.get(&(connections, contender)).map(|measurements| Row::of(measurements))
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, Contender, Row)> {
        self.measurements.iter().map(|(&(connections, contender), found)| (connections, contender, Row::of(found)))
    }

    /// How many times as much it delivers as the other.
    pub(crate) fn ratio(&self, connections: usize, contender: Contender, other: Contender) -> Option<f64> {
        Some(self.row(connections, contender)?.delivered / self.row(connections, other)?.delivered)
    }

    /// What the disk takes for one commit, in milliseconds.
    pub(crate) fn sync_ms(&self) -> Option<f64> {
        let mut syncs = self.syncs.clone();
        syncs.sort_unstable();
        syncs.get(syncs.len() / 2).map(|sync| sync.as_secs_f64() * 1000.0)
    }

    pub(crate) fn json_lines(&self) -> String {
        let line = |(connections, contender, row): (usize, Contender, Row)| {
            let line = serde_json::json!({
                "contender": contender.to_string(), "connections": connections,
                "accepted_per_second": row.accepted, "delivered_per_second": row.delivered,
                "delivered_of_accepted": row.delivered_of_accepted, "least": row.least, "most": row.most,
                "p50_ms": row.p50_ms, "p99_ms": row.p99_ms, "longest_ms": row.longest_ms,
                "lag_p99_ms": row.lag_p99_ms, "memory_mib": row.memory_mib,
                "processor_seconds_for_10000": row.processor_seconds, "fsync_ms": self.sync_ms(),
                "of_by_hand": self.ratio(connections, contender, contender.by_hand()),
            });
            format!("{line}\n")
        };
        self.rows().map(line).collect()
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
        let ms = |value: fn(&Measurement) -> f64| median(&sorted(value));
        let delivered = sorted(|turn| turn.delivered_per_second);
        let has_lag = measurements.iter().any(|turn| turn.lag.is_some());
        Self {
            accepted: median(&sorted(|turn| turn.load.per_second)),
            delivered: median(&delivered),
            delivered_of_accepted: median(&sorted(|turn| turn.delivered_per_second / turn.load.per_second)),
            least: delivered.first().copied().unwrap_or_default(),
            most: delivered.last().copied().unwrap_or_default(),
            p50_ms: ms(|turn| turn.load.p50.as_secs_f64() * 1000.0),
            p99_ms: ms(|turn| turn.load.p99.as_secs_f64() * 1000.0),
            longest_ms: ms(|turn| turn.load.longest.as_secs_f64() * 1000.0),
            lag_p99_ms: has_lag.then(|| ms(|turn| turn.lag.unwrap_or_default().as_secs_f64() * 1000.0)),
            memory_mib: median(&sorted(|turn| turn.memory as f64 / 1024.0)),
            processor_seconds: median(&sorted(|turn| turn.processor_time.as_secs_f64())),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>5}  {:<23} {:>10} {:>11} {:>13} {:>6} {:>7} {:>7} {:>8} {:>7} {:>6} {:>9} {:>9}",
            "conn.",
            "contender",
            "accepted/s",
            "delivered/s",
            "min–max",
            "share",
            "p50 ms",
            "p99 ms",
            "max ms",
            "lag p99",
            "MiB",
            "CPU s/10k",
            "× by hand"
        )?;
        for (connections, contender, row) in self.rows() {
            let Row { accepted, delivered, delivered_of_accepted, least, most, .. } = row;
            let Row { p50_ms, p99_ms, longest_ms, memory_mib, processor_seconds, .. } = row;
            let lag = row.lag_p99_ms.map_or(String::from("–"), |lag| format!("{lag:.1}"));
            let by_hand = self.ratio(connections, contender, contender.by_hand());
            let by_hand = by_hand.map_or(String::from("–"), |ratio| format!("{ratio:.2}"));
            let range = format!("{least:.0}–{most:.0}");
            writeln!(
                f,
                "{connections:>5}  {contender:<23} {accepted:>10.0} {delivered:>11.0} {range:>13} \
                 {delivered_of_accepted:>6.2} {p50_ms:>7.2} {p99_ms:>7.2} {longest_ms:>8.1} {lag:>7} {memory_mib:>6.1} \
                 {processor_seconds:>9.2} {by_hand:>9}"
            )?;
        }
        if let Some(sync_ms) = self.sync_ms() {
            writeln!(f, "one fsync: {sync_ms:.2} ms")?;
        }
        Ok(())
    }
}
