//! Faults of a single request.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use athm_core::Amount;

use super::duration::{format_duration, parse_duration};
use super::{Effect, Oddity, View, texts};
use crate::error::SimulatorError;

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
/// [`EXAMPLES`](Self::EXAMPLES) lists all text forms. `timeout`, `error`, `bad-gateway` and `garbage` have no effect;
/// `timeout-after` has its effect; the effect of `timeout-late=5s` is visible after that time, that of
/// `timeout-late-find=5s` and `timeout-late-search=5s` in one [`View`]; likewise for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Refused with an error code, without effect.
    Reject {
        /// The code, such as `BTRA_0005`.
        code: String,
    },
    /// Answered with an error code and HTTP 200, although it is done.
    RejectAfter {
        /// The code, such as `BTRA_0999`, which the provider documents nowhere.
        code: String,
    },
    /// Refused with HTTP 401 and `BTRA_0401`, as for a wrong token.
    Unauthorized,
    /// Refused with HTTP 403 and `BTRA_0403`, as for a token without permission.
    Forbidden,
    /// Refused with HTTP 403 and the HTML page of a firewall.
    FirewallPage,
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
    /// Answered correctly; one view shows the state before for that time.
    StaleIn(View, Duration),
    /// Of a refund: done, and answered with the payment's refunded amount from before.
    StaleRefundedAmount,
    /// Of `create` and `authorize`: the payment is opened or completed with that total.
    Total(Amount),
    /// Answered correctly, in an unusual form.
    Odd(Oddity),
    /// Answered correctly, after a byte order mark.
    ByteOrderMark,
}

impl Fault {
    /// Whether the request takes effect.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Reject { .. } | Self::Unauthorized | Self::Forbidden | Self::FirewallPage => Effect::Absent,
            Self::Stale(time) => Effect::Late(*time),
            Self::StaleIn(view, time) => Effect::LateIn(*view, *time),
            Self::Timeout(effect)
            | Self::InternalError(effect)
            | Self::BadGateway(effect)
            | Self::Garbage(effect)
            | Self::Truncated(effect) => *effect,
            Self::RejectAfter { .. }
            | Self::Slow(_)
            | Self::StaleRefundedAmount
            | Self::Total(_)
            | Self::Odd(_)
            | Self::ByteOrderMark => Effect::Done,
        }
    }

    /// Whether the caller receives the endpoint's own answer: its content, or its refusal.
    ///
    /// ```
    /// use athm_simulator::{Effect, Fault};
    ///
    /// assert!(Fault::ByteOrderMark.keeps_answer());
    /// assert!(!Fault::Timeout(Effect::Done).keeps_answer());
    /// ```
    #[must_use]
    pub fn keeps_answer(&self) -> bool {
        matches!(
            self,
            Self::Slow(_)
                | Self::Stale(_)
                | Self::StaleIn(..)
                | Self::StaleRefundedAmount
                | Self::Total(_)
                | Self::Odd(_)
                | Self::ByteOrderMark
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reject { code } => write!(f, "reject={code}"),
            Self::RejectAfter { code } => write!(f, "reject-after={code}"),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::Forbidden => f.write_str("forbidden"),
            Self::FirewallPage => f.write_str("firewall"),
            Self::Slow(time) => write!(f, "slow={}", format_duration(*time)),
            Self::Timeout(effect) => write!(f, "timeout{effect}"),
            Self::InternalError(effect) => write!(f, "error{effect}"),
            Self::BadGateway(effect) => write!(f, "bad-gateway{effect}"),
            Self::Garbage(effect) => write!(f, "garbage{effect}"),
            Self::Truncated(Effect::Done) => f.write_str("truncated"),
            Self::Truncated(effect) => write!(f, "truncated{effect}"),
            Self::Stale(time) => write!(f, "stale={}", format_duration(*time)),
            Self::StaleIn(view, time) => write!(f, "stale-{view}={}", format_duration(*time)),
            Self::StaleRefundedAmount => f.write_str("stale-refunded-amount"),
            Self::Total(total) => write!(f, "total={total}"),
            Self::Odd(oddity) => write!(f, "odd={oddity}"),
            Self::ByteOrderMark => f.write_str("bom"),
        }
    }
}

impl FromStr for Fault {
    type Err = SimulatorError;

    fn from_str(text: &str) -> Result<Self, SimulatorError> {
        let text = text.trim();
        let fault = match text.split_once('=') {
            Some((name, value)) => with_value(name, value),
            None => without_value(text),
        };
        fault.ok_or_else(|| SimulatorError::UnknownFault { found: text.to_owned(), known: texts(Self::EXAMPLES) })
    }
}

fn with_value(name: &str, value: &str) -> Option<Fault> {
    let code = || (!value.is_empty()).then(|| value.to_owned());
    Some(match name {
        "reject" => Fault::Reject { code: code()? },
        "reject-after" => Fault::RejectAfter { code: code()? },
        "slow" => Fault::Slow(parse_duration(value)?),
        "stale" => Fault::Stale(parse_duration(value)?),
        "stale-find" => Fault::StaleIn(View::Find, parse_duration(value)?),
        "stale-search" => Fault::StaleIn(View::Search, parse_duration(value)?),
        "total" => Fault::Total(value.parse().ok().filter(|total| *total > Amount::ZERO)?),
        "odd" => Fault::Odd(value.parse().ok()?),
        _ => return late(name, parse_duration(value)?),
    })
}

fn late(name: &str, time: Duration) -> Option<Fault> {
    if let Some(name) = name.strip_suffix("-late-find") {
        return with_effect(name, Effect::LateIn(View::Find, time));
    }
    if let Some(name) = name.strip_suffix("-late-search") {
        return with_effect(name, Effect::LateIn(View::Search, time));
    }
    with_effect(name.strip_suffix("-late")?, Effect::Late(time))
}

fn without_value(text: &str) -> Option<Fault> {
    match (text, text.strip_suffix("-after")) {
        ("unauthorized", _) => Some(Fault::Unauthorized),
        ("forbidden", _) => Some(Fault::Forbidden),
        ("firewall", _) => Some(Fault::FirewallPage),
        ("stale-refunded-amount", _) => Some(Fault::StaleRefundedAmount),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_of_every_fault_parses() {
        let time = Duration::from_secs(5);
        for (text, fault) in [
            ("reject=BTRA_0005", Fault::Reject { code: String::from("BTRA_0005") }),
            ("reject-after=BTRA_0999", Fault::RejectAfter { code: String::from("BTRA_0999") }),
            ("firewall", Fault::FirewallPage),
            ("slow=1s 500ms", Fault::Slow(Duration::from_millis(1_500))),
            ("stale=1m", Fault::Stale(Duration::from_secs(60))),
            ("stale-search=5s", Fault::StaleIn(View::Search, time)),
            ("stale-refunded-amount", Fault::StaleRefundedAmount),
            ("total=1.00", Fault::Total(Amount::from_cents(100))),
            ("odd=half-emoji", Fault::Odd(Oddity::HalfEmoji)),
            ("bom", Fault::ByteOrderMark),
            ("timeout", Fault::Timeout(Effect::Absent)),
            ("timeout-after", Fault::Timeout(Effect::Done)),
            ("timeout-late=5s", Fault::Timeout(Effect::Late(time))),
            ("timeout-late-find=5s", Fault::Timeout(Effect::LateIn(View::Find, time))),
            ("error", Fault::InternalError(Effect::Absent)),
            ("bad-gateway-after", Fault::BadGateway(Effect::Done)),
            ("garbage-late-search=5s", Fault::Garbage(Effect::LateIn(View::Search, time))),
            ("truncated", Fault::Truncated(Effect::Done)),
            ("truncated-late=5s", Fault::Truncated(Effect::Late(time))),
        ] {
            assert_eq!(text.parse::<Fault>().unwrap(), fault, "{text}");
            assert_eq!(fault.to_string().replace(' ', ""), text.replace(' ', ""));
        }
    }

    #[test]
    fn unknown_text_is_named_in_the_error() {
        for text in [
            "",
            "time-out",
            "reject=",
            "slow",
            "slow=fast",
            "bom-after",
            "timeout-late",
            "slow=-5s",
            "total=0",
            "odd=",
            "odd=even",
            "stale-report=5s",
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
