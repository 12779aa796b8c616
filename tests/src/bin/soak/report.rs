//! What became of it all.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::effects::{EffectsLog, RECEIVERS};
use crate::server_process::Recorded;

#[derive(Debug)]
pub(crate) struct Report {
    kills: u32,
    ended: u32,
    acknowledged: usize,
    lost: usize,
    missing_effects: usize,
    duplicate_effects: usize,
    innocent_dead: usize,
    extra_runs: u32,
    /// Whether a receiver's second run is a fault.
    exactly_once: bool,
    longest_recovery: Duration,
}

impl Report {
    pub(crate) fn new(
        kills: u32,
        ended: u32,
        acknowledged: &HashSet<String>,
        recorded: &Recorded,
        dead: &[String],
        effects: &EffectsLog<'_>,
        longest_recovery: Duration,
    ) -> io::Result<Self> {
        let runs = effects.runs()?;
        let more_than_one = |keys: usize| keys.saturating_sub(1);
        Ok(Self {
            kills,
            ended,
            acknowledged: acknowledged.len(),
            lost: acknowledged.difference(&recorded.payments).count() + recorded.doubled,
            missing_effects: effects.missing(acknowledged)?,
            duplicate_effects: runs.values().map(|keys| more_than_one(keys.len())).sum(),
            innocent_dead: dead.iter().filter(|receiver| RECEIVERS.contains(&receiver.as_str())).count(),
            extra_runs: runs.values().flat_map(|keys| keys.values()).map(|times| times - 1).sum(),
            exactly_once: matches!(effects, EffectsLog::Rows(_)),
            longest_recovery,
        })
    }

    pub(crate) fn is_clean(&self) -> bool {
        let is_doubled = self.exactly_once && self.extra_runs > 0;
        let is_missing = self.lost > 0 || self.missing_effects > 0;
        !is_missing && !is_doubled && self.duplicate_effects == 0 && self.innocent_dead == 0
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "kills": self.kills,
            "ended_by_receivers": self.ended,
            "acknowledged": self.acknowledged,
            "lost": self.lost,
            "missing_effects": self.missing_effects,
            "duplicate_effects": self.duplicate_effects,
            "innocent_dead": self.innocent_dead,
            "extra_runs": self.extra_runs,
            "longest_recovery_ms": self.longest_recovery.as_millis(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kills                                    {:>10}", self.kills)?;
        writeln!(f, "processes that a receiver ended          {:>10}", self.ended)?;
        writeln!(f, "callbacks acknowledged                   {:>10}", self.acknowledged)?;
        writeln!(f, "  of these lost or doubled (must be 0)   {:>10}", self.lost)?;
        writeln!(f, "effects missing (must be 0)              {:>10}", self.missing_effects)?;
        writeln!(f, "effects under two keys (must be 0)       {:>10}", self.duplicate_effects)?;
        writeln!(f, "dead without their own fault (must be 0) {:>10}", self.innocent_dead)?;
        let extra = if self.exactly_once { "effects doubled (must be 0)" } else { "receiver runs beyond the first" };
        writeln!(f, "{extra:<40} {:>10}", self.extra_runs)?;
        write!(f, "longest recovery                         {:>7} ms", self.longest_recovery.as_millis())
    }
}
