//! Faults of a single webhook.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::duration::{format_duration, parse_duration};
use super::texts;
use crate::error::SimulatorError;

/// A fault of one webhook.
///
/// Its text forms are `lost`, `doubled`, `delayed=5s`, `reordered` and `forged`.
///
/// ```
/// use std::time::Duration;
/// use athm_simulator::WebhookFault;
///
/// assert_eq!("delayed=5s".parse::<WebhookFault>()?, WebhookFault::Delayed(Duration::from_secs(5)));
/// # Ok::<(), athm_simulator::SimulatorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookFault {
    /// Never sent.
    Lost,
    /// Sent twice.
    Doubled,
    /// Sent after that much of the simulator's time.
    Delayed(Duration),
    /// Sent after the next webhook, at the latest after five seconds.
    Reordered,
    /// Sent after a forged webhook about the same payment.
    Forged,
}

impl fmt::Display for WebhookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("lost"),
            Self::Doubled => f.write_str("doubled"),
            Self::Delayed(time) => write!(f, "delayed={}", format_duration(*time)),
            Self::Reordered => f.write_str("reordered"),
            Self::Forged => f.write_str("forged"),
        }
    }
}

impl FromStr for WebhookFault {
    type Err = SimulatorError;

    fn from_str(text: &str) -> Result<Self, SimulatorError> {
        let unknown =
            || SimulatorError::UnknownWebhookFault { found: text.trim().to_owned(), known: texts(Self::EXAMPLES) };
        match (text.trim(), text.trim().strip_prefix("delayed=")) {
            ("lost", _) => Ok(Self::Lost),
            ("doubled", _) => Ok(Self::Doubled),
            ("reordered", _) => Ok(Self::Reordered),
            ("forged", _) => Ok(Self::Forged),
            (_, Some(time)) => parse_duration(time).map(Self::Delayed).ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_of_every_fault_parses() {
        for word in ["lost", "doubled", "delayed=5s", "reordered", "forged"] {
            assert_eq!(word.parse::<WebhookFault>().unwrap().to_string(), word);
        }
        for word in ["", "late", "delayed", "delayed=soon"] {
            assert!(word.parse::<WebhookFault>().unwrap_err().to_string().contains(&format!("{word:?}")), "{word}");
        }
    }
}
