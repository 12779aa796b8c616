//! The books compared with the provider's, with a progress bar.
//!
//! ```sh
//! ATHM_API_URL=http://127.0.0.1:9000 cargo run --example shop -- reconcile 30            # the last 30 days
//! ATHM_API_URL=http://127.0.0.1:9000 cargo run --example shop -- reconcile 30 --dry-run  # only looks
//! ```
//!
//! It is a command of the shop, as the shop has the receivers: what is found missing runs them.

use athm_actix::reconcile::Difference;
use athm_actix::{Athm, BoxError};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

/// What the command line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reconcile {
    days: u16,
    is_dry: bool,
}

impl Reconcile {
    /// `None` when the shop is to open.
    pub(crate) fn from_arguments(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, BoxError> {
        let arguments: Vec<String> = arguments.collect();
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (days, is_dry) = match words[..] {
            [] => return Ok(None),
            ["reconcile", days] => (days, false),
            ["reconcile", days, "--dry-run"] | ["reconcile", "--dry-run", days] => (days, true),
            _ => return Err("usage: shop [reconcile DAYS [--dry-run]]".into()),
        };
        let days = days.parse().map_err(|_| format!("expected a number of days, found {days:?}"))?;
        Ok(Some(Self { days, is_dry }))
    }

    pub(crate) async fn run(self, athm: &Athm) -> Result<(), BoxError> {
        let bar = ProgressBar::new(100);
        bar.set_style(ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}")?);
        let until = Timestamp::now();
        let from = until - SignedDuration::from_hours(24 * i64::from(self.days));
        let reconciliation = athm.reconcile(from, until).on_progress(|progress| {
            bar.set_position(progress.percent().into());
            let (missing, differences) = (progress.missing, progress.differences);
            bar.set_message(format!("{} entries, {missing} missing, {differences} differences", progress.entries));
        });
        let found = if self.is_dry { reconciliation.dry_run().await } else { reconciliation.run().await };
        bar.finish();
        let found = found?;

        let tell = |what: &str, differences: &[Difference]| {
            for difference in differences {
                println!("{what:9} {} {}", difference.reference_number, difference.field);
            }
        };
        for missing in &found.missing {
            println!("missing   {} {}", missing.reference_number, missing.total);
        }
        tell("differs", &found.differences);
        tell("unresolved", &found.unresolved);
        for payment in &found.unreported {
            println!("unknown to the provider: {payment}");
        }
        println!("{} entries compared", found.entries);
        athm.idle().await; // the receivers of what was missing
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Reconcile;

    #[test]
    fn the_command_line_says_how_many_days_and_whether_to_change_anything() {
        let read = |line: &str| Reconcile::from_arguments(line.split_whitespace().map(str::to_owned));
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("reconcile 30").unwrap(), Some(Reconcile { days: 30, is_dry: false }));
        assert_eq!(read("reconcile --dry-run 3").unwrap(), Some(Reconcile { days: 3, is_dry: true }));
        assert_eq!(read("reconcile soon").unwrap_err().to_string(), "expected a number of days, found \"soon\"");
        assert!(read("open").unwrap_err().to_string().starts_with("usage"));
    }
}
