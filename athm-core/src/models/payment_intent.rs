//! Payments that the program has written down, and that are opened at the provider after its commit.
//!
//! An intent is `due` until it is opened, by the program or by athm's background task. Opening it is a claim with a lease,
//! `opening`: of two callers, and of two processes, one asks the provider. It ends `opened`, with a recorded payment, or
//! `failed`, when the provider refuses, or when it wasn't opened by its deadline. A call without a known outcome is repeated:
//! a payment whose authorization token isn't recorded moves no money, and expires.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use super::{EcommerceId, NewPayment, TransactionId};
use crate::util::backoff::Backoff;
use crate::util::clock::later;

/// How long the program has to open it by itself, before the background task does.
pub(crate) const OWN_TIME: Duration = Duration::from_secs(2);
/// The pauses after a call that failed: 1 s, 2 s, 4 s … 30 s.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), 2, Duration::from_secs(30));

/// How an intent stands.
///
/// ```
/// use athm_core::sql::IntentState;
///
/// assert_eq!("opened".parse(), Ok(IntentState::Opened));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntentState {
    /// It is to be opened.
    Due,
    /// The provider is being asked.
    Opening,
    /// Its payment is recorded.
    Opened,
    /// The provider refused it, or it couldn't be opened by its deadline. No money can move for it.
    Failed,
}

impl IntentState {
    const ALL: [Self; 4] = [Self::Due, Self::Opening, Self::Opened, Self::Failed];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Opening => "opening",
            Self::Opened => "opened",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for IntentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for IntentState {
    type Err = UnknownIntentState;

    fn from_str(text: &str) -> Result<Self, UnknownIntentState> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == text).ok_or_else(|| UnknownIntentState(text.to_owned()))
    }
}

/// A text that names no state of an intent.
///
/// ```
/// let error = "lost".parse::<athm_core::sql::IntentState>().unwrap_err();
/// assert_eq!(error.to_string(), "expected due, opening, opened or failed, found \"lost\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected due, opening, opened or failed, found {0:?}")]
pub struct UnknownIntentState(String);

/// An intent to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewIntent {
    /// The payment's id, once it is opened.
    pub(crate) id: TransactionId,
    pub(crate) payment: NewPayment,
    /// Deadlines, by the clock of the database's.
    pub(crate) due_at: Timestamp,
    pub(crate) deadline: Timestamp,
    /// The time of day.
    pub(crate) created_at: Timestamp,
}

/// An intent as it is stored. Times are by the clock of the database's deadlines.
#[derive(Debug, Clone)]
pub(crate) struct StoredIntent {
    pub(crate) id: TransactionId,
    pub(crate) payment: NewPayment,
    pub(crate) state: IntentState,
    pub(crate) attempts: u32,
    /// When it may be opened by the background task; while it is being opened, when that counts as ended.
    pub(crate) due_at: Timestamp,
    pub(crate) deadline: Timestamp,
    pub(crate) error: Option<String>,
    pub(crate) ecommerce_id: Option<EcommerceId>,
}

/// The request to open an intent's payment. Times are steady.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BeginOpening {
    pub(crate) id: TransactionId,
    pub(crate) now: Timestamp,
    /// When the call counts as ended if its process dies.
    pub(crate) ends_at: Timestamp,
}

/// An opening that may call the provider.
#[derive(Debug, Clone)]
pub(crate) struct StartedOpening {
    pub(crate) id: TransactionId,
    pub(crate) payment: NewPayment,
    /// Its number, from 1: an opening that another one has replaced can't end it.
    pub(crate) attempt: u32,
}

/// Why the provider isn't called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotOpening {
    NoSuchIntent,
    /// Another caller is at it.
    UnderWay,
    /// Its payment is recorded.
    Opened(Option<EcommerceId>),
    /// It has failed, or does now: its deadline has passed.
    Failed(String),
}

/// The end of an opening. Times are steady.
#[derive(Debug, Clone)]
pub(crate) struct FinishOpening {
    pub(crate) id: TransactionId,
    pub(crate) attempt: u32,
    pub(crate) outcome: OpeningOutcome,
}

/// What became of a call that opens a payment.
#[derive(Debug, Clone)]
pub(crate) enum OpeningOutcome {
    Opened(EcommerceId),
    /// The provider refuses it.
    Failed(String),
    /// It may be opened the next time.
    Again {
        due_at: Timestamp,
        error: String,
    },
}

/// Why an intent failed that wasn't opened in time.
const TOO_LATE: &str = "it couldn't be opened by its deadline";

impl StoredIntent {
    /// Whether it may be opened now. `is_recorded` says whether its payment is there: then a process ended before it stored
    /// that. An opening whose time is over has ended with its process.
    pub(crate) fn begin(&self, now: Timestamp, is_recorded: bool) -> Result<StartedOpening, NotOpening> {
        match self.state {
            IntentState::Opened => return Err(NotOpening::Opened(self.ecommerce_id)),
            IntentState::Failed => return Err(NotOpening::Failed(self.error.clone().unwrap_or_default())),
            IntentState::Opening if now < self.due_at => return Err(NotOpening::UnderWay),
            IntentState::Due | IntentState::Opening => {}
        }
        if is_recorded {
            return Err(NotOpening::Opened(None));
        }
        if now >= self.deadline {
            let last = self.error.as_ref().map(|error| format!("{TOO_LATE}: {error}"));
            return Err(NotOpening::Failed(last.unwrap_or_else(|| TOO_LATE.to_owned())));
        }
        let (id, payment) = (self.id, self.payment.clone());
        Ok(StartedOpening { id, payment, attempt: self.attempts.saturating_add(1) })
    }
}

impl StartedOpening {
    /// When the next one is due if this one failed.
    pub(crate) fn next_at(&self, now: Timestamp) -> Timestamp {
        later(now, BACKOFF.pause_after(self.attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Amount;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn intent(state: IntentState, due_in: i64, ends_in: i64) -> StoredIntent {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        StoredIntent {
            id: TransactionId::new(),
            payment: NewPayment::new(Amount::from_cents(2500), "order-7"),
            state,
            attempts: 1,
            due_at: at(due_in),
            deadline: at(ends_in),
            error: None,
            ecommerce_id: None,
        }
    }

    #[test]
    fn an_intent_is_opened_by_one_caller_until_its_deadline() {
        let begin =
            |state, due_in, ends_in| intent(state, due_in, ends_in).begin(NOW, false).map(|started| started.attempt);
        assert_eq!(begin(IntentState::Due, 2, 600), Ok(2));
        assert_eq!(begin(IntentState::Opening, 1, 600), Err(NotOpening::UnderWay));
        // Its process has ended.
        assert_eq!(begin(IntentState::Opening, 0, 600), Ok(2));
        assert_eq!(begin(IntentState::Opened, 0, 600), Err(NotOpening::Opened(None)));
        assert_eq!(begin(IntentState::Due, 0, 0), Err(NotOpening::Failed(TOO_LATE.to_owned())));
    }

    #[test]
    fn an_intent_whose_payment_is_recorded_is_opened_also_past_its_deadline() {
        let opened = intent(IntentState::Opening, 0, 0).begin(NOW, true);
        assert_eq!(opened.unwrap_err(), NotOpening::Opened(None));
    }
}
