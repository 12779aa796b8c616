//! What can go wrong with one request.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use crate::SimulatorError;

/// How the simulator fails one request of the provider's API.
///
/// It is also a word: for the header `Simulator-Fault` of a request, for the control page, and on a command line.
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
/// | word | fault |
/// |---|---|
/// | `reject=BTRA_0005` | refused with that code, without effect |
/// | `slow=2s` | answered so much later |
/// | `timeout`, `timeout-after`, `timeout-late=5s` | never answered |
/// | `error`, `error-after`, `error-late=5s` | HTTP 500 and `BTRA_9999` |
/// | `bad-gateway`, `bad-gateway-after`, `bad-gateway-late=5s` | HTTP 502 and a proxy's HTML page |
/// | `garbage`, `garbage-after`, `garbage-late=5s` | HTTP 200 and a body that is no JSON |
/// | `truncated`, `truncated-late=5s` | the connection ends in the middle of the answer |
/// | `stale=5s` | answered well; what is read afterwards is older for so long |
/// | `bom` | answered well, behind a byte order mark |
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Refused with a code of the provider's, without effect.
    Reject {
        /// The code, such as `BTRA_0005`.
        code: String,
    },
    /// Answered as it should be, but so much later.
    Slow(Duration),
    /// Never answered: the caller has to give up, or the connection ends after a minute.
    Timeout(Effect),
    /// HTTP 500 with the provider's error envelope and `BTRA_9999`.
    InternalError(Effect),
    /// HTTP 502 with the HTML page of a proxy.
    BadGateway(Effect),
    /// HTTP 200 with a body that is no JSON.
    Garbage(Effect),
    /// Half of the answer, and the end of the connection. ([`Effect::Absent`] makes it half of another one.)
    Truncated(Effect),
    /// Answered as it should be; find, search and report show the state before for so long.
    Stale(Duration),
    /// Answered as it should be, behind a byte order mark.
    ByteOrderMark,
}

/// What a request that is answered badly has done all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing.
    Absent,
    /// What it asked for.
    Done,
    /// What it asked for; find, search and report show it only after so much of the simulator's time.
    Late(Duration),
}

impl Fault {
    /// What the request does, however it is answered.
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
            Self::Slow(time) => write!(f, "slow={}", written(*time)),
            Self::Stale(time) => write!(f, "stale={}", written(*time)),
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

/// The end of a fault's word.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Done => f.write_str("-after"),
            Self::Late(time) => write!(f, "-late={}", written(*time)),
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
            ("slow", _) => Some(Fault::Slow(read(value)?)),
            ("stale", _) => Some(Fault::Stale(read(value)?)),
            (_, Some(name)) => with_effect(name, Effect::Late(read(value)?)),
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
pub(crate) fn written(time: Duration) -> String {
    SignedDuration::try_from(time).map(|time| format!("{time:#}")).unwrap_or_default()
}

pub(crate) fn read(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_a_word_and_every_word_a_fault() {
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
    fn another_word_is_named_in_the_error() {
        for word in ["", "time-out", "reject=", "slow", "slow=fast", "bom-after", "timeout-late", "slow=-5s"] {
            let error = word.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(&format!("{word:?}")), "{error}");
        }
    }
}
