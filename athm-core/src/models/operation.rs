//! The rules of operations: which call to the provider may begin, and what an intent without a known outcome blocks.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::{Amount, RefundId, RefundLedger, RefundRecord, Status, Transaction, TransactionId};
use crate::util::backoff::Backoff;
use crate::util::clock::later;

/// How long after an attempt has ended its effect may still be missing from the provider's answers. An answer without it
/// counts as "no effect" only after that.
const EFFECT_LAG: Duration = Duration::from_secs(30);
/// The pauses before an unresolved operation is recovered: 5 s, 10 s, 20 s … 10 minutes.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(5), 2, Duration::from_secs(600));

/// A call to the provider that changes a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Authorize,
    Cancel,
    UpdatePhone,
    Refund,
}

impl Operation {
    const ALL: [Self; 4] = [Self::Authorize, Self::Cancel, Self::UpdatePhone, Self::Refund];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Cancel => "cancel",
            Self::UpdatePhone => "update_phone",
            Self::Refund => "refund",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Operation {
    type Err = UnknownOperation;

    fn from_str(text: &str) -> Result<Self, UnknownOperation> {
        let mut all = Self::ALL.into_iter();
        all.find(|operation| operation.as_str() == text).ok_or_else(|| UnknownOperation(text.to_owned()))
    }
}

/// Not the name of an operation.
#[derive(Debug, thiserror::Error)]
#[error("expected the name of an operation, found {0:?}")]
pub(crate) struct UnknownOperation(String);

/// Whether an attempt is the first, or follows one without a known outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptKind {
    /// No earlier attempt is known of.
    First,
    /// The payment was read from the provider, and showed no effect of the earlier attempt. The reading says nothing about
    /// attempts that began after it.
    Again {
        /// The steady time at which the reading began.
        read_at: Timestamp,
    },
}

/// Who asks for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Initiator {
    /// The program, by name.
    Program,
    /// athm's own schedule: a cancel or a check of the program holds it off.
    Schedule,
}

/// The request to begin an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BeginOperation {
    pub(crate) transaction: TransactionId,
    pub(crate) operation: Operation,
    pub(crate) kind: AttemptKind,
    pub(crate) initiator: Initiator,
    /// Of a refund: how much; `None` is everything that is left.
    pub(crate) amount: Option<Amount>,
    /// The time of day.
    pub(crate) requested_at: Timestamp,
    /// The steady time, and when the call counts as ended if its process dies.
    pub(crate) now: Timestamp,
    pub(crate) ends_at: Timestamp,
}

/// A stored intent: an operation that is under way, or has no known outcome.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperationIntent {
    pub(crate) operation: Operation,
    pub(crate) is_under_way: bool,
    /// While under way, when the call counts as ended; after that, when it ended.
    pub(crate) ends_at: Timestamp,
}

/// A payment under its lock, with its intents.
#[derive(Debug)]
pub(crate) struct LockedPayment {
    pub(crate) transaction: Transaction,
    pub(crate) auth_token: Option<SecretString>,
    pub(crate) intents: Vec<OperationIntent>,
    pub(crate) refunds: RefundLedger,
}

/// An operation that may call the provider: its intent is stored.
#[derive(Debug)]
pub(crate) struct StartedOperation {
    pub(crate) intent_id: Uuid,
    pub(crate) transaction: Transaction,
    pub(crate) auth_token: Option<SecretString>,
    /// The refund with its reserved amount.
    pub(crate) refund: Option<RefundRecord>,
}

/// Why an operation may not begin.
#[derive(Debug)]
pub(crate) enum BeginError {
    NoSuchPayment,
    /// Another operation of the payment is under way.
    UnderWay,
    /// The last attempt has no known outcome yet.
    Unresolved(Box<Transaction>),
    /// The payment has ended.
    Ended(Box<Transaction>),
    /// The payment has no ecommerceId, or no authorization token is stored.
    NoAuthToken,
    /// Its total isn't the one that it was opened with.
    Mismatch {
        expected: Amount,
        total: Amount,
    },
    /// A check of the program's own refuses the payment as it is.
    Rejected {
        reason: String,
        status: Status,
    },
    /// The program has cancelled it, and the outcome isn't known.
    CancelUnresolved,
    /// It isn't completed, so there is nothing to refund.
    NotPaid(Status),
    /// An earlier refund has no known outcome yet.
    RefundPending(Box<(RefundId, Transaction)>),
    /// More than is left to refund.
    TooMuch {
        left: Amount,
    },
}

pub(crate) type BeginResult = Result<StartedOperation, BeginError>;

impl BeginOperation {
    /// Whether the operation may begin. Times are the database's.
    pub(crate) fn decide(&self, now: Timestamp, locked: Option<LockedPayment>) -> BeginResult {
        let locked = locked.ok_or(BeginError::NoSuchPayment)?;
        let is_under_way = locked.intents.iter().any(|intent| intent.is_under_way && now < intent.ends_at);
        match self.operation {
            Operation::Refund => self.refund(locked, is_under_way),
            _ => self.change(now, locked, is_under_way),
        }
    }

    /// Authorize, cancel, update phone: only before the payment has ended, one at a time.
    fn change(&self, now: Timestamp, locked: LockedPayment, is_under_way: bool) -> BeginResult {
        let LockedPayment { transaction, auth_token, intents, .. } = locked;
        if transaction.status.is_final() {
            return Err(BeginError::Ended(Box::new(transaction)));
        }
        let needs_token = self.operation != Operation::Cancel;
        if transaction.ecommerce_id.is_none() || (needs_token && auth_token.is_none()) {
            return Err(BeginError::NoAuthToken);
        }
        if is_under_way {
            return Err(BeginError::UnderWay);
        }
        // Only an authorization moves money, so only it waits for the outcome of its last attempt. A repeated cancel or change
        // of the phone number has the same effect as one.
        if self.operation == Operation::Authorize {
            self.may_authorize(&transaction, &intents)?;
            let last = intents.iter().find(|intent| intent.operation == Operation::Authorize);
            if last.is_some_and(|last| !self.may_follow(last, now)) {
                return Err(BeginError::Unresolved(Box::new(transaction)));
            }
        }
        Ok(StartedOperation { intent_id: Uuid::now_v7(), transaction, auth_token, refund: None })
    }

    /// Whether the money of an approved payment may be moved.
    fn may_authorize(&self, transaction: &Transaction, intents: &[OperationIntent]) -> Result<(), BeginError> {
        if let Some(expected) = transaction.mismatch() {
            return Err(BeginError::Mismatch { expected, total: transaction.total });
        }
        let is_cancelled = intents.iter().any(|intent| intent.operation == Operation::Cancel);
        if self.initiator == Initiator::Schedule && is_cancelled {
            return Err(BeginError::CancelUnresolved);
        }
        Ok(())
    }

    /// Whether the payment was read long enough after the last attempt ended. Another process may have made an attempt since
    /// that reading: then this one must not follow.
    fn may_follow(&self, last: &OperationIntent, now: Timestamp) -> bool {
        let AttemptKind::Again { read_at } = self.kind else { return false };
        // `read_at` was taken on this process's clock and `now` on the database's: only the age of the reading carries over.
        let read_at = now.saturating_sub(self.now.duration_since(read_at)).unwrap_or(now);
        read_at >= later(last.ends_at, EFFECT_LAG)
    }

    /// Reserves the amount of a refund: never more than is left, and one refund at a time.
    fn refund(&self, locked: LockedPayment, is_under_way: bool) -> BeginResult {
        let LockedPayment { transaction, refunds, .. } = locked;
        if transaction.status != Status::Completed || transaction.reference_number.is_none() {
            return Err(BeginError::NotPaid(transaction.status));
        }
        if is_under_way {
            return Err(BeginError::UnderWay);
        }
        if let Some(pending) = refunds.pending() {
            return Err(BeginError::RefundPending(Box::new((pending.id, transaction))));
        }
        let left = transaction.total.checked_sub(transaction.refunded_amount).unwrap_or(Amount::ZERO);
        let amount = self.amount.unwrap_or(left);
        if amount <= Amount::ZERO || amount > left {
            return Err(BeginError::TooMuch { left });
        }
        let refund = RefundRecord::asked_for(transaction.id, amount, self.requested_at);
        // The pending refund and its intent are one row each with one id, so that recovery finds the refund of an intent.
        Ok(StartedOperation { intent_id: *refund.id.as_uuid(), transaction, auth_token: None, refund: Some(refund) })
    }
}

/// The end of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperationResult {
    pub(crate) intent_id: Uuid,
    pub(crate) outcome: OperationOutcome,
}

/// What is known of an operation's effect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OperationOutcome {
    Known,
    /// The refund wasn't done: its amount is no longer reserved.
    NotDone,
    Unknown {
        ended_at: Timestamp,
        due_at: Timestamp,
    },
}

impl OperationOutcome {
    pub(crate) fn unknown(now: Timestamp) -> Self {
        Self::Unknown { ended_at: now, due_at: later(now, BACKOFF.pause_after(1)) }
    }
}

/// An operation without a known outcome that is due to be recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnresolvedOperation {
    pub(crate) intent_id: Uuid,
    pub(crate) transaction: TransactionId,
    pub(crate) operation: Operation,
    /// How many recoveries were attempted before.
    pub(crate) attempts: u32,
}

impl UnresolvedOperation {
    /// When the next recovery is due: after 10 s, 20 s … 10 minutes.
    pub(crate) fn next_attempt_at(&self, now: Timestamp) -> Timestamp {
        // The first pause is the one before attempt 0.
        later(now, BACKOFF.pause_after(self.attempts.saturating_add(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    /// The payment was read just now.
    const AGAIN: AttemptKind = AttemptKind::Again { read_at: Timestamp::UNIX_EPOCH };

    fn locked(status: Status, intents: Vec<OperationIntent>) -> LockedPayment {
        let transaction = Transaction::builder(status, Amount::from_cents(2500))
            .ecommerce_id("5d0c2f3a-9b1e-11ef-8a6b-0242ac120001".parse().unwrap())
            .build();
        LockedPayment {
            transaction,
            auth_token: Some(SecretString::from("secret")),
            intents,
            refunds: RefundLedger::default(),
        }
    }

    fn begin(operation: Operation, kind: AttemptKind, locked: LockedPayment) -> BeginResult {
        let now = Timestamp::UNIX_EPOCH;
        let transaction = locked.transaction.id;
        let initiator = Initiator::Program;
        BeginOperation { transaction, operation, kind, initiator, amount: None, requested_at: now, now, ends_at: now }
            .decide(now, Some(locked))
    }

    fn authorize(initiator: Initiator, locked: LockedPayment) -> BeginResult {
        let (now, transaction) = (Timestamp::UNIX_EPOCH, locked.transaction.id);
        let (operation, kind) = (Operation::Authorize, AttemptKind::First);
        BeginOperation { transaction, operation, kind, initiator, amount: None, requested_at: now, now, ends_at: now }
            .decide(now, Some(locked))
    }

    #[test]
    fn another_total_than_the_expected_one_is_never_authorized_until_it_is_accepted() {
        let expecting = |expected, accepted: Option<i64>| {
            let mut locked = locked(Status::Confirmed, Vec::new());
            locked.transaction.expected_total = Some(Amount::from_cents(expected));
            locked.transaction.accepted_total = accepted.map(Amount::from_cents);
            locked
        };
        for initiator in [Initiator::Program, Initiator::Schedule] {
            assert!(authorize(initiator, expecting(2500, None)).is_ok());
            let refused = authorize(initiator, expecting(2501, None));
            assert!(matches!(refused, Err(BeginError::Mismatch { expected, total })
                if expected.cents() == 2501 && total.cents() == 2500));
            assert!(authorize(initiator, expecting(2501, Some(2500))).is_ok());
            assert!(authorize(initiator, expecting(2501, Some(2499))).is_err());
        }
    }

    #[test]
    fn an_unresolved_cancel_holds_off_the_schedule_and_not_the_program() {
        let ends_at = Timestamp::UNIX_EPOCH - 60 * SECOND;
        let cancel = OperationIntent { operation: Operation::Cancel, is_under_way: false, ends_at };
        let cancelled = || locked(Status::Confirmed, vec![cancel]);
        assert!(matches!(authorize(Initiator::Schedule, cancelled()), Err(BeginError::CancelUnresolved)));
        assert!(authorize(Initiator::Program, cancelled()).is_ok());
        let phone = OperationIntent { operation: Operation::UpdatePhone, ..cancel };
        assert!(authorize(Initiator::Schedule, locked(Status::Confirmed, vec![phone])).is_ok());
    }

    #[test]
    fn an_operation_is_read_back_from_its_name_and_no_other_text_is_one() {
        for operation in Operation::ALL {
            assert_eq!(operation.to_string().parse::<Operation>().unwrap(), operation);
        }
        let error = "capture".parse::<Operation>().unwrap_err();
        assert_eq!(error.to_string(), "expected the name of an operation, found \"capture\"");
    }

    fn ended(ago: Duration) -> OperationIntent {
        let ends_at = Timestamp::UNIX_EPOCH - ago;
        OperationIntent { operation: Operation::Authorize, is_under_way: false, ends_at }
    }

    #[test]
    fn one_operation_of_a_payment_is_under_way_at_a_time() {
        let under_way = OperationIntent {
            operation: Operation::Cancel,
            is_under_way: true,
            ends_at: Timestamp::UNIX_EPOCH + SECOND,
        };
        for operation in [Operation::Authorize, Operation::Cancel, Operation::UpdatePhone] {
            let begun = begin(operation, AGAIN, locked(Status::Open, vec![under_way]));
            assert!(matches!(begun, Err(BeginError::UnderWay)), "{operation}: {begun:?}");
        }
        // Its process died: it counts as ended.
        let overdue = OperationIntent { ends_at: Timestamp::UNIX_EPOCH, ..under_way };
        assert!(begin(Operation::Authorize, AttemptKind::First, locked(Status::Open, vec![overdue])).is_ok());
    }

    #[test]
    fn an_authorization_is_repeated_only_after_thirty_seconds_and_a_reading() {
        let begun = |kind, ago| begin(Operation::Authorize, kind, locked(Status::Confirmed, vec![ended(ago)]));
        assert!(matches!(begun(AttemptKind::First, 60 * SECOND), Err(BeginError::Unresolved(_))));
        assert!(matches!(begun(AGAIN, 29 * SECOND), Err(BeginError::Unresolved(_))));
        assert!(begun(AGAIN, 30 * SECOND).is_ok());
    }

    #[test]
    fn a_reading_says_nothing_about_an_attempt_that_began_after_it() {
        let read = |ago: Duration| AttemptKind::Again { read_at: Timestamp::UNIX_EPOCH - ago };
        let begun = |turn| begin(Operation::Authorize, turn, locked(Status::Confirmed, vec![ended(60 * SECOND)]));
        assert!(matches!(begun(read(70 * SECOND)), Err(BeginError::Unresolved(_))));
        assert!(matches!(begun(read(31 * SECOND)), Err(BeginError::Unresolved(_))));
        assert!(begun(read(30 * SECOND)).is_ok());
    }

    #[test]
    fn an_ended_payment_is_left_alone_and_one_opened_elsewhere_lacks_the_token() {
        for status in [Status::Completed, Status::Cancelled, Status::Expired] {
            let begun = begin(Operation::Cancel, AttemptKind::First, locked(status, Vec::new()));
            assert!(matches!(begun, Err(BeginError::Ended(_))));
        }
        let elsewhere = || LockedPayment { auth_token: None, ..locked(Status::Open, Vec::new()) };
        assert!(begin(Operation::Cancel, AttemptKind::First, elsewhere()).is_ok());
        assert!(matches!(begin(Operation::UpdatePhone, AttemptKind::First, elsewhere()), Err(BeginError::NoAuthToken)));
        assert!(matches!(begin(Operation::Authorize, AttemptKind::First, elsewhere()), Err(BeginError::NoAuthToken)));
    }

    fn paid(refunded: i64, refunds: RefundLedger) -> LockedPayment {
        let transaction = Transaction::builder(Status::Completed, Amount::from_cents(2500))
            .reference_number("12-ab".parse().unwrap())
            .refunded_amount(Amount::from_cents(refunded))
            .build();
        LockedPayment { transaction, auth_token: None, intents: Vec::new(), refunds }
    }

    fn refund(cents: Option<i64>, locked: LockedPayment) -> Result<i64, BeginError> {
        let (now, transaction) = (Timestamp::UNIX_EPOCH, locked.transaction.id);
        let (operation, kind) = (Operation::Refund, AttemptKind::First);
        let amount = cents.map(Amount::from_cents);
        let initiator = Initiator::Program;
        let begun =
            BeginOperation { transaction, operation, kind, initiator, amount, requested_at: now, now, ends_at: now };
        begun.decide(now, Some(locked)).map(|started| started.refund.map_or(0, |refund| refund.amount.cents()))
    }

    #[test]
    fn no_more_is_refunded_than_is_left() {
        assert!(matches!(refund(None, paid(0, RefundLedger::default())), Ok(2500)));
        assert!(matches!(refund(None, paid(700, RefundLedger::default())), Ok(1800)));
        assert!(matches!(refund(Some(1800), paid(700, RefundLedger::default())), Ok(1800)));
        let too_much = refund(Some(1801), paid(700, RefundLedger::default()));
        assert!(matches!(too_much, Err(BeginError::TooMuch { left }) if left.cents() == 1800));
        assert!(matches!(refund(None, paid(2500, RefundLedger::default())), Err(BeginError::TooMuch { .. })));
        assert!(matches!(refund(None, locked(Status::Confirmed, Vec::new())), Err(BeginError::NotPaid(_))));
        let mut unnumbered = paid(0, RefundLedger::default());
        unnumbered.transaction.reference_number = None;
        assert!(matches!(refund(None, unnumbered), Err(BeginError::NotPaid(Status::Completed))));
        let mut unpaid = paid(0, RefundLedger::default());
        unpaid.transaction.status = Status::Cancelled;
        assert!(matches!(refund(None, unpaid), Err(BeginError::NotPaid(Status::Cancelled))));
    }

    #[test]
    fn no_refund_begins_while_an_earlier_one_has_no_known_outcome() {
        let pending = RefundRecord::asked_for(TransactionId::new(), Amount::from_cents(100), Timestamp::UNIX_EPOCH);
        let begun = refund(Some(100), paid(0, RefundLedger::from_iter([pending.clone()])));
        assert!(matches!(begun, Err(BeginError::RefundPending(refund)) if refund.0 == pending.id));
    }

    #[test]
    fn recoveries_become_rarer_down_to_one_every_ten_minutes() {
        let pauses = [0, 1, 5, 6, u32::MAX].map(|attempts| {
            let unresolved = UnresolvedOperation {
                intent_id: Uuid::nil(),
                transaction: TransactionId::new(),
                operation: Operation::Authorize,
                attempts,
            };
            unresolved.next_attempt_at(Timestamp::UNIX_EPOCH).as_second()
        });
        assert_eq!(pauses, [10, 20, 320, 600, 600]);
    }
}
