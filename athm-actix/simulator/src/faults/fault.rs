//! Faults of a single request.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use crate::SimulatorError;

/// A fault of one request of the provider's API.
///
/// Its text form is used in the header `Simulator-Fault` of a request, by the control endpoint and on the command line.
///
/// ```
/// use std::time::Duration;
/// use athm_simulator::{Effect, Fault};
///
/// assert_eq!("timeout-after".parse::<Fault>()?, Fault::Timeout(Effect::Done));
/// assert_eq!("bad-gateway-late=5s".parse::<Fault>()?, Fault::BadGateway(Effect::Late(Duration::from_secs(5))));
/// assert_eq!(Fault::Reject { code: String::from("BTRA_0005") }.to_string(), "reject=BTRA_0005");
/// # Ok::<(), athm_simulator::SimulatorError>(())
/// ```
///
/// | text | fault |
/// |---|---|
/// | `reject=BTRA_0005` | refused with that code, without effect |
/// | `slow=2s` | answered after that time |
/// | `timeout`, `timeout-after`, `timeout-late=5s` | never answered |
/// | `error`, `error-after`, `error-late=5s` | HTTP 500 and `BTRA_9999` |
/// | `bad-gateway`, `bad-gateway-after`, `bad-gateway-late=5s` | HTTP 502 and a proxy's HTML page |
/// | `garbage`, `garbage-after`, `garbage-late=5s` | HTTP 200 and a body that isn't JSON |
/// | `truncated`, `truncated-late=5s` | the connection ends in the middle of the answer |
/// | `stale=5s` | answered correctly; find, search and report show the state before for that time |
/// | `bom` | answered correctly, after a byte order mark |
///
/// The plain form has no effect; `-after` has its effect, and that of `-late=5s` is visible after that time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Refused with an error code, without effect.
    Reject {
        /// The code, such as `BTRA_0005`.
        code: String,
    },
    /// Answered correctly after that time.
    Slow(Duration),
    /// Never answered; the connection is closed after a minute.
    Timeout(Effect),
    /// HTTP 500 with the provider's error envelope and `BTRA_9999`.
    InternalError(Effect),
    /// HTTP 502 with the HTML page of a proxy.
    BadGateway(Effect),
    /// HTTP 200 with a body that isn't JSON.
    Garbage(Effect),
    /// Half of the answer, then the connection is closed. ([`Effect::Absent`] makes it half of a refusal.)
    Truncated(Effect),
    /// Answered correctly; find, search and report show the state before for that time.
    Stale(Duration),
    /// Answered correctly, after a byte order mark.
    ByteOrderMark,
}

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
}

impl Fault {
    /// Whether the request takes effect.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Reject { .. } => Effect::Absent,
            Self::Slow(_) | Self::ByteOrderMark => Effect::Done,
            Self::Stale(time) => Effect::Late(*time),
            Self::Timeout(effect)
            | Self::InternalError(effect)
            | Self::BadGateway(effect)
            | Self::Garbage(effect)
            | Self::Truncated(effect) => *effect,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reject { code } => write!(f, "reject={code}"),
            Self::Slow(time) => write!(f, "slow={}", format_duration(*time)),
            Self::Stale(time) => write!(f, "stale={}", format_duration(*time)),
            Self::ByteOrderMark => f.write_str("bom"),
            Self::Timeout(effect) => write!(f, "timeout{effect}"),
            Self::InternalError(effect) => write!(f, "error{effect}"),
            Self::BadGateway(effect) => write!(f, "bad-gateway{effect}"),
            Self::Garbage(effect) => write!(f, "garbage{effect}"),
            Self::Truncated(Effect::Done) => f.write_str("truncated"),
            Self::Truncated(effect) => write!(f, "truncated{effect}"),
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
        }
    }
}

impl FromStr for Fault {
    type Err = SimulatorError;

    fn from_str(text: &str) -> Result<Self, SimulatorError> {
        parse(text.trim()).ok_or_else(|| SimulatorError::UnknownFault { found: text.trim().to_owned() })
    }
}

fn parse(text: &str) -> Option<Fault> {
    if let Some((name, value)) = text.split_once('=') {
        return match (name, name.strip_suffix("-late")) {
            ("reject", _) if !value.is_empty() => Some(Fault::Reject { code: value.to_owned() }),
            ("slow", _) => Some(Fault::Slow(parse_duration(value)?)),
            ("stale", _) => Some(Fault::Stale(parse_duration(value)?)),
            (_, Some(name)) => with_effect(name, Effect::Late(parse_duration(value)?)),
            _ => None,
        };
    }
    match (text, text.strip_suffix("-after")) {
        ("bom", _) => Some(Fault::ByteOrderMark),
        ("truncated", _) => Some(Fault::Truncated(Effect::Done)),
        (_, Some(name)) => with_effect(name, Effect::Done),
        (name, None) => with_effect(name, Effect::Absent),
    }
}

fn with_effect(name: &str, effect: Effect) -> Option<Fault> {
    Some(match name {
        "timeout" => Fault::Timeout(effect),
        "error" => Fault::InternalError(effect),
        "bad-gateway" => Fault::BadGateway(effect),
        "garbage" => Fault::Garbage(effect),
        "truncated" => Fault::Truncated(effect),
        _ => return None,
    })
}

/// `5s`, `500ms`.
pub(crate) fn format_duration(time: Duration) -> String {
    SignedDuration::try_from(time).map(|time| format!("{time:#}")).unwrap_or_default()
}

pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_of_every_fault_parses() {
        let late = Effect::Late(Duration::from_secs(5));
        for (word, fault) in [
            ("reject=BTRA_0005", Fault::Reject { code: String::from("BTRA_0005") }),
            ("slow=1s 500ms", Fault::Slow(Duration::from_millis(1_500))),
            ("stale=1m", Fault::Stale(Duration::from_secs(60))),
            ("bom", Fault::ByteOrderMark),
            ("timeout", Fault::Timeout(Effect::Absent)),
            ("timeout-after", Fault::Timeout(Effect::Done)),
            ("timeout-late=5s", Fault::Timeout(late)),
            ("error", Fault::InternalError(Effect::Absent)),
            ("bad-gateway-after", Fault::BadGateway(Effect::Done)),
            ("garbage-late=5s", Fault::Garbage(late)),
            ("truncated", Fault::Truncated(Effect::Done)),
            ("truncated-late=5s", Fault::Truncated(late)),
        ] {
            assert_eq!(word.parse::<Fault>().unwrap(), fault, "{word}");
            assert_eq!(fault.to_string().replace(' ', ""), word.replace(' ', ""));
        }
    }

    #[test]
    fn unknown_text_is_named_in_the_error() {
        for word in ["", "time-out", "reject=", "slow", "slow=fast", "bom-after", "timeout-late", "slow=-5s"] {
            let error = word.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(&format!("{word:?}")), "{error}");
        }
    }
}
