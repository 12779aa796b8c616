//! What is shown in the end.

use std::collections::BTreeMap;
use std::fmt;

use crate::contender::Contender;
use crate::load::Load;

/// One contender's turn.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) contender: Contender,
    pub(crate) concurrency: usize,
    pub(crate) load: Load,
    pub(crate) memory: u64,
}

/// All turns, by concurrency and contender.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<(usize, Contender), Vec<Turn>>);

/// The middle of several turns.
struct Row {
    median: f64,
    least: f64,
    most: f64,
    p50_ms: f64,
    p99_ms: f64,
    memory_mib: f64,
}

impl Table {
    pub(crate) fn add(&mut self, turn: Turn) {
        self.0.entry((turn.concurrency, turn.contender)).or_default().push(turn);
    }

    pub(crate) fn json_lines(&self) -> String {
        let line = |(&(concurrency, contender), turns): (&(usize, Contender), &Vec<Turn>)| {
            let row = Row::of(turns);
            let line = serde_json::json!({
                "contender": contender.to_string(), "concurrency": concurrency, "per_second": row.median,
                "least": row.least, "most": row.most, "p50_ms": row.p50_ms, "p99_ms": row.p99_ms,
                "memory_mib": row.memory_mib, "of_no_database": self.ratio(concurrency, row.median),
            });
            format!("{line}\n")
        };
        self.0.iter().map(line).collect()
    }

    /// What part of the bare handler's speed that is.
    fn ratio(&self, concurrency: usize, per_second: f64) -> f64 {
        let bare = self.0.get(&(concurrency, Contender::NoDatabase)).map_or(f64::NAN, |turns| Row::of(turns).median);
        per_second / bare
    }
}

impl Row {
    fn of(turns: &[Turn]) -> Self {
        let sorted = |value: fn(&Turn) -> f64| {
            let mut values: Vec<f64> = turns.iter().map(value).collect();
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
            "{:>5}  {:<20} {:>10} {:>17} {:>6} {:>9} {:>9} {:>8}",
            "conn.", "contender", "callb./s", "min–max", "ratio", "p50 ms", "p99 ms", "MiB"
        )?;
        for (&(concurrency, contender), turns) in &self.0 {
            let Row { median, least, most, p50_ms, p99_ms, memory_mib } = Row::of(turns);
            let ratio = self.ratio(concurrency, median);
            let range = format!("{least:.0}–{most:.0}");
            writeln!(
                f,
                "{concurrency:>5}  {contender:<20} {median:>10.0} {range:>17} {ratio:>6.2} {p50_ms:>9.2} {p99_ms:>9.2} {memory_mib:>8.1}"
            )?;
        }
        Ok(())
    }
}
