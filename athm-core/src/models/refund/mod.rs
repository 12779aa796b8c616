//! Money given back: one refund, what the provider tells of it, and the ledger of a payment's refunds.

mod ledger;
mod new_refund;

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::ledger::RefundLedger;
pub use self::new_refund::{InvalidRefund, NewRefund};

use super::{Amount, ReferenceNumber, RefundId, Transaction, TransactionId};

/// How far apart two dates of one refund may be: an event is dated some seconds after what it tells of.
const NEAR: SignedDuration = SignedDuration::from_secs(5);
/// Numbers within the business's day begin anew every day.
const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);

/// One refund of a payment, as its signal tells it: an increase of what the provider says has been given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refund {
    /// What was given back this time.
    pub amount: Amount,
    /// What has been given back in all, this refund included.
    pub total_refunded: Amount,
}

/// A refund as it is recorded: [`Athm::refunds`](crate::Athm::refunds) lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefundRecord {
    /// Its name.
    pub id: RefundId,
    /// The payment that it gives back.
    pub transaction_id: TransactionId,
    /// How much it gives back.
    pub amount: Amount,
    /// How it stands.
    pub state: RefundState,
    /// What had been given back of the payment in all once it was done; `None` before.
    pub total_refunded: Option<Amount>,
    /// Whether it was asked for here, with [`Athm::refund`](crate::Athm::refund), rather than in the provider's own app.
    pub is_ours: bool,
    /// Its reference number, where the provider tells one of its own.
    pub reference_number: Option<ReferenceNumber>,
    /// Its number within the business's day, where the provider tells it.
    pub daily_transaction_id: Option<String>,
    /// When the money moved, by the provider's clock, where that is told.
    pub date: Option<Timestamp>,
    /// When it was asked for, or seen first.
    pub created_at: Timestamp,
}

/// How a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundState {
    /// It was asked for, and nobody knows yet whether it was done. Its amount is set aside.
    Pending,
    /// The money was given back.
    Done,
    /// The provider refused it, or a person has found that it wasn't done.
    NotDone,
}

impl fmt::Display for RefundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::NotDone => "not_done",
        })
    }
}

impl FromStr for RefundState {
    type Err = UnknownRefundState;

    fn from_str(text: &str) -> Result<Self, UnknownRefundState> {
        let mut all = [Self::Pending, Self::Done, Self::NotDone].into_iter();
        all.find(|state| state.to_string() == text).ok_or_else(|| UnknownRefundState(text.to_owned()))
    }
}

/// A word that names no state of a refund.
///
/// ```
/// let error = "lost".parse::<athm_core::RefundState>().unwrap_err();
/// assert_eq!(error.to_string(), "expected pending, done or not_done, found \"lost\"");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("expected pending, done or not_done, found {0:?}")]
pub struct UnknownRefundState(String);

/// What tells one refund from another, where the provider tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundDetail {
    pub(crate) amount: Amount,
    /// Its own, or the payment's: both are seen.
    pub(crate) reference_number: Option<ReferenceNumber>,
    pub(crate) daily_transaction_id: Option<String>,
    pub(crate) date: Option<Timestamp>,
}

/// What the provider tells of one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportedRefund {
    /// Which one it is, where that is known: one that we asked for.
    pub(crate) refund: Option<RefundId>,
    pub(crate) detail: RefundDetail,
}

impl RefundDetail {
    /// Of a refund that the provider lists among its transactions.
    pub(crate) fn of(listed: &Transaction) -> Self {
        Self {
            amount: if listed.total.is_zero() { listed.refunded_amount } else { listed.total },
            reference_number: listed.reference_number.clone(),
            daily_transaction_id: listed.daily_transaction_id.clone(),
            date: listed.date,
        }
    }

    /// Nothing but an amount.
    pub(crate) fn bare(amount: Amount) -> Self {
        Self { amount, reference_number: None, daily_transaction_id: None, date: None }
    }

    pub(crate) fn is_bare(&self) -> bool {
        *self == Self::bare(self.amount)
    }

    /// Whether both tell of one refund: its own reference number decides, else its number within a day, else its date.
    fn is_same(&self, other: &Self) -> bool {
        let apart = self.date.zip(other.date).map(|(one, other)| one.duration_since(other).abs());
        let references = self.reference_number.as_ref().zip(other.reference_number.as_ref());
        let dailies = self.daily_transaction_id.as_deref().zip(other.daily_transaction_id.as_deref());
        self.amount == other.amount
            && match (references, dailies, apart) {
                (Some((one, other)), ..) => one == other,
                (_, Some((one, other)), apart) => {
                    number(one) == number(other) && apart.is_none_or(|apart| apart <= HALF_A_DAY)
                }
                (_, _, Some(apart)) => apart <= NEAR,
                _ => false,
            }
    }
}

/// `"0107"` and `"107"` are the same.
fn number(daily: &str) -> &str {
    daily.trim().trim_start_matches('0')
}

impl RefundRecord {
    /// One that is about to be asked for: its amount is set aside.
    pub(crate) fn asked_for(transaction_id: TransactionId, amount: Amount, at: Timestamp) -> Self {
        Self {
            id: RefundId::new(),
            transaction_id,
            amount,
            state: RefundState::Pending,
            total_refunded: None,
            is_ours: true,
            reference_number: None,
            daily_transaction_id: None,
            date: None,
            created_at: at,
        }
    }

    pub(super) fn detail(&self) -> RefundDetail {
        RefundDetail {
            amount: self.amount,
            reference_number: self.reference_number.clone(),
            daily_transaction_id: self.daily_transaction_id.clone(),
            date: self.date,
        }
    }

    pub(crate) fn is(&self, detail: &RefundDetail) -> bool {
        self.detail().is_same(detail)
    }

    /// Whether it was seen without detail, and is large enough to hold this one.
    pub(crate) fn may_hold(&self, detail: &RefundDetail) -> bool {
        let is_whole = self.state == RefundState::Done && !self.is_ours && self.detail().is_bare();
        is_whole && self.amount >= detail.amount
    }

    /// Takes over what wasn't known of it.
    pub(super) fn fill(&mut self, detail: &RefundDetail) {
        self.reference_number = self.reference_number.take().or_else(|| detail.reference_number.clone());
        self.daily_transaction_id = self.daily_transaction_id.take().or_else(|| detail.daily_transaction_id.clone());
        self.date = self.date.or(detail.date);
    }
}
