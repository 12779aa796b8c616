//! Money given back: one refund, what the provider reports of it, and the ledger of a payment's refunds.

mod attribution;
mod ledger;
mod new_refund;
mod statement;

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::attribution::{RefundCandidate, attribute};
pub(crate) use self::ledger::RefundLedger;
pub use self::new_refund::{InvalidRefund, NewRefund};
pub(crate) use self::statement::{RefundStatement, RefundStatements};

use super::{Amount, ReferenceNumber, RefundId, Transaction, TransactionId};

/// How far apart two dates of one refund may be: a webhook is dated some seconds after the refund.
const NEAR: SignedDuration = SignedDuration::from_secs(5);
/// How long the provider's answers may lag behind a refund.
const LAG: SignedDuration = SignedDuration::from_secs(60);
/// Daily numbers start again every day, so equal numbers mean one refund only within this time.
const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);

/// One refund of a payment, as its signal carries it: an increase of the refunded amount that the provider reports.
///
/// ```
/// use athm_core::{Refund, receiver};
///
/// #[receiver(refunded)]
/// fn book(refund: &Refund) {
///     println!("{} was refunded, {} in all", refund.amount, refund.total_refunded);
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refund {
    /// How much was refunded this time.
    pub amount: Amount,
    /// How much has been refunded in all, this refund included.
    pub total_refunded: Amount,
}

/// A refund as it is recorded: [`Athm::refunds`](crate::Athm::refunds) lists them.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::StoreError;
/// use athm_core::ids::TransactionId;
///
/// async fn print(athm: &Athm, payment: TransactionId) -> Result<(), StoreError> {
///     for refund in athm.refunds().of(payment).await? {
///         println!("{}: {} ({:?})", refund.created_at, refund.amount, refund.state);
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefundRecord {
    /// Its id.
    pub id: RefundId,
    /// The payment that it refunds.
    pub transaction_id: TransactionId,
    /// How much it refunds.
    pub amount: Amount,
    /// Its state.
    pub state: RefundState,
    /// How much of the payment was refunded in all after it; `None` until it is done.
    pub total_refunded: Option<Amount>,
    /// Whether it was asked for here, with [`Athm::refund`](crate::Athm::refund), rather than in the provider's own app.
    pub is_ours: bool,
    /// Its own reference number, where the provider reports one.
    pub reference_number: Option<ReferenceNumber>,
    /// Its number within the business's day, where the provider reports one.
    pub daily_transaction_id: Option<String>,
    /// When the money moved, by the provider's clock, where it is reported.
    pub date: Option<Timestamp>,
    /// When it was asked for, or seen first.
    pub created_at: Timestamp,
}

/// The state of a refund.
///
/// ```no_run
/// # async fn pending(athm: athm_core::Athm, id: athm_core::ids::TransactionId) -> Result<(), athm_core::errors::StoreError> {
/// use athm_core::refunds::RefundState;
///
/// let refunds = athm.refunds().of(id).await?;
/// println!("{} pending", refunds.iter().filter(|refund| refund.state == RefundState::Pending).count());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundState {
    /// Requested, without a known outcome yet. Its amount is reserved.
    Pending,
    /// The money was refunded.
    Done,
    /// The provider refused it, or a person found out that it wasn't done.
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

/// Not the name of a refund's state.
///
/// ```
/// let error = "lost".parse::<athm_core::refunds::RefundState>().unwrap_err();
/// assert_eq!(error.to_string(), "expected pending, done or not_done, found \"lost\"");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("expected pending, done or not_done, found {0:?}")]
pub struct UnknownRefundState(String);

/// What distinguishes one refund from another, as far as the provider reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundDetail {
    pub(crate) amount: Amount,
    /// Its own or the payment's: the provider sends both.
    pub(crate) reference_number: Option<ReferenceNumber>,
    pub(crate) daily_transaction_id: Option<String>,
    pub(crate) date: Option<Timestamp>,
}

/// What is reported of one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportedRefund {
    /// The refund's id, if it is one that we asked for.
    pub(crate) refund: Option<RefundId>,
    pub(crate) detail: RefundDetail,
}

impl RefundDetail {
    /// Of a refund that the provider lists as a transaction.
    pub(crate) fn of(listed: &Transaction) -> Self {
        Self {
            amount: if listed.total.is_zero() { listed.refunded_amount } else { listed.total }.abs(),
            reference_number: listed.reference_number.clone(),
            daily_transaction_id: listed.daily_transaction_id.clone(),
            date: listed.date,
        }
    }

    /// An amount without any distinction.
    pub(crate) fn bare(amount: Amount) -> Self {
        Self { amount, reference_number: None, daily_transaction_id: None, date: None }
    }

    pub(crate) fn is_bare(&self) -> bool {
        *self == Self::bare(self.amount)
    }

    /// Whether both describe one refund: the reference number decides if both have one, else the daily number, else the date.
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
    /// One that is about to be requested: its amount is reserved.
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

    /// Whether it has no detail, and is large enough for the reported refund to be a part of it.
    pub(crate) fn may_hold(&self, detail: &RefundDetail) -> bool {
        let is_whole = self.state == RefundState::Done && !self.is_ours && self.detail().is_bare();
        is_whole && self.amount >= detail.amount
    }

    /// Whether it was recorded without detail, and includes this one by the provider's answer of that time: it has the same
    /// amount and isn't older, or it is larger, was seen after this one's date, and the answer is late enough that the
    /// provider can't lag behind that date.
    pub(crate) fn includes(&self, detail: &RefundDetail, at: Timestamp) -> bool {
        // Without a date, nothing distinguishes it from a later one.
        let Some(date) = detail.date else { return false };
        let is_seen_after =
            |margin: SignedDuration| date <= self.created_at.saturating_add(margin).unwrap_or(self.created_at);
        let cannot_lag = at.duration_since(date) >= LAG;
        let is_equal = self.amount == detail.amount && is_seen_after(NEAR);
        self.may_hold(detail) && (is_equal || (is_seen_after(SignedDuration::ZERO) && cannot_lag))
    }

    /// Fills in the details that weren't known.
    pub(super) fn fill(&mut self, detail: &RefundDetail) {
        self.reference_number = self.reference_number.take().or_else(|| detail.reference_number.clone());
        self.daily_transaction_id = self.daily_transaction_id.take().or_else(|| detail.daily_transaction_id.clone());
        self.date = self.date.or(detail.date);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Status;

    #[test]
    fn the_state_of_a_refund_is_read_as_it_is_written() {
        let states = [RefundState::Pending, RefundState::Done, RefundState::NotDone];
        assert_eq!(states.map(|state| state.to_string()), ["pending", "done", "not_done"]);
        for state in states {
            assert_eq!(state.to_string().parse::<RefundState>().unwrap(), state);
        }
        let error = "lost".parse::<RefundState>().unwrap_err();
        assert_eq!(error.to_string(), "expected pending, done or not_done, found \"lost\"");
    }

    fn detail(reference: Option<&str>, daily: Option<&str>, date: Option<SignedDuration>) -> RefundDetail {
        RefundDetail {
            reference_number: reference.map(|reference| reference.parse().unwrap()),
            daily_transaction_id: daily.map(str::to_owned),
            date: date.map(|since| Timestamp::UNIX_EPOCH + since),
            ..RefundDetail::bare(Amount::from_cents(500))
        }
    }

    #[test]
    fn two_details_are_of_one_refund_by_their_references_else_their_daily_numbers_else_their_dates() {
        const START: SignedDuration = SignedDuration::ZERO;
        let moment = SignedDuration::from_millis(1);
        let same = |one: &RefundDetail, other: &RefundDetail| {
            assert_eq!(one.is_same(other), other.is_same(one));
            one.is_same(other)
        };
        // The references decide alone.
        let full = detail(Some("12-ab"), Some("0107"), Some(START));
        assert!(same(&full, &detail(Some("12-ab"), Some("9"), Some(HALF_A_DAY + moment))));
        assert!(!same(&full, &detail(Some("12-cd"), Some("0107"), Some(START))));
        // Then the daily numbers, within half a day.
        let daily = |number, date| detail(None, Some(number), date);
        assert!(same(&full, &daily("107", Some(HALF_A_DAY))));
        assert!(!same(&full, &daily("107", Some(HALF_A_DAY + moment))));
        assert!(same(&full, &daily("107", None)));
        assert!(!same(&full, &daily("108", Some(START))));
        // Then the dates.
        let dated = |date| detail(None, None, Some(date));
        assert!(same(&full, &dated(NEAR)));
        assert!(!same(&full, &dated(NEAR + moment)));
        // Without anything in common, nothing says so.
        let bare = RefundDetail::bare(full.amount);
        assert!(!same(&full, &bare) && !same(&bare, &bare));
        let other_amount = RefundDetail { amount: Amount::from_cents(501), ..full.clone() };
        assert!(!same(&full, &other_amount));
        assert!(bare.is_bare() && !full.is_bare() && !dated(START).is_bare());
    }

    #[test]
    fn a_listed_refund_has_its_amount_as_total_or_as_refunded_amount_with_either_sign() {
        let listed = |total, refunded| {
            let built = Transaction::builder(Status::Completed, Amount::from_cents(total));
            RefundDetail::of(&built.refunded_amount(Amount::from_cents(refunded)).build()).amount.cents()
        };
        assert_eq!([listed(500, 0), listed(-500, 0), listed(0, 500), listed(0, -500), listed(500, 900)], [500; 5]);
    }
}
