//! Whether a request with a fault takes effect.

use std::fmt;
use std::time::Duration;

use super::View;
use super::duration::format_duration;

/// Whether a request with a fault takes effect.
///
/// ```
/// use std::time::Duration;
/// use athm_simulator::{Effect, Fault};
///
/// // The refund is done, its answer is lost, and `find` shows it only after five seconds.
/// let fault = Fault::Timeout(Effect::Late(Duration::from_secs(5)));
/// assert_eq!(fault.to_string(), "timeout-late=5s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It changes nothing.
    Absent,
    /// It is done.
    Done,
    /// It is done; find, search and report show it after that much of the simulator's time.
    Late(Duration),
    /// It is done; one of the views shows it after that much of the simulator's time.
    LateIn(View, Duration),
}

impl Effect {
    /// How long a view shows the state before.
    pub(crate) fn delay(self, view: View) -> Duration {
        match self {
            Self::Late(time) => time,
            Self::LateIn(late, time) if late == view => time,
            _ => Duration::ZERO,
        }
    }
}

/// The suffix of a fault's text form.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Done => f.write_str("-after"),
            Self::Late(time) => write!(f, "-late={}", format_duration(*time)),
            Self::LateIn(view, time) => write!(f, "-late-{view}={}", format_duration(*time)),
        }
    }
}
