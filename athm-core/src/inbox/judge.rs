//! Step 4: does a message's statement agree with what the provider says?

use crate::callback::Message;
use crate::models::{Amount, RefundDetail, Status, Transaction, TransactionKind};

/// How the provider's answer compares with a message's statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They agree, or the message states nothing that could disagree.
    Verified,
    /// The provider says otherwise, and a final state doesn't change any more.
    Contradicted,
    /// The provider doesn't say so yet, and may say so later.
    Undecided,
}

/// Compares the stated status and refunded amount with the provider's answer.
///
/// A final status may be stated a few seconds before the provider shows it, so an answer that isn't final decides nothing.
/// Cancelled and expired count as one: the provider answers CANCEL to both.
pub(super) fn judge(status: Option<&Status>, refunded: Option<Amount>, answer: &Transaction) -> Verdict {
    match status {
        Some(stated) if stated.is_final() && !answer.status.is_final() => Verdict::Undecided,
        Some(Status::Completed) if answer.status != Status::Completed => Verdict::Contradicted,
        Some(Status::Cancelled | Status::Expired) if answer.status == Status::Completed => Verdict::Contradicted,
        _ if refunded > Some(answer.refunded_amount) => Verdict::Undecided,
        _ => Verdict::Verified,
    }
}

/// The provider's answer, with expiry in place of cancellation where the message states expiry. The provider says CANCEL
/// to both, and no money moves in either, so the message may decide between the two.
pub(super) fn with_stated_expiry(answer: Transaction, stated: Option<&Status>) -> Transaction {
    match (&answer.status, stated) {
        (Status::Cancelled, Some(Status::Expired)) => Transaction { status: Status::Expired, ..answer },
        _ => answer,
    }
}

/// The refund that a message of that kind states.
pub(super) fn stated_detail(message: &Message) -> Option<RefundDetail> {
    let is_refund = message.kind() == Some(&TransactionKind::Refund);
    let amount = message.total().filter(|total| is_refund && *total > Amount::ZERO)?;
    Some(RefundDetail {
        amount,
        reference_number: message.reference_number().cloned(),
        daily_transaction_id: message.daily_transaction_id().map(str::to_owned),
        date: message.date(),
    })
}

/// The least refunded amount that a message states: a refund's own total, or the refunded amount of its payment.
pub(super) fn stated_refund(message: &Message) -> Option<Amount> {
    let is_refund = message.kind() == Some(&TransactionKind::Refund);
    let stated = if is_refund { message.total().max(message.refunded_amount()) } else { message.refunded_amount() };
    stated.filter(|amount| *amount > Amount::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_judged_by_the_providers_answer() {
        use Status::{Cancelled, Completed, Confirmed, Expired, Open};
        use Verdict::{Contradicted, Undecided, Verified};
        let unknown = Status::Unknown("ON_HOLD".into());
        for (stated, answered, verdict) in [
            (None, &Open, Verified),
            (None, &Completed, Verified),
            (Some(&Open), &Completed, Verified),
            (Some(&unknown), &Open, Verified),
            (Some(&Completed), &Completed, Verified),
            (Some(&Completed), &Confirmed, Undecided),
            (Some(&Completed), &unknown, Undecided),
            (Some(&Completed), &Cancelled, Contradicted),
            (Some(&Completed), &Expired, Contradicted),
            (Some(&Cancelled), &Open, Undecided),
            (Some(&Cancelled), &Expired, Verified),
            (Some(&Expired), &Cancelled, Verified),
            (Some(&Expired), &Completed, Contradicted),
        ] {
            let answer = Transaction::builder(answered.clone(), Amount::from_cents(2500)).build();
            assert_eq!(judge(stated, None, &answer), verdict, "{stated:?} beside {answered}");
        }
    }

    #[test]
    fn a_refund_that_the_provider_does_not_show_yet_is_undecided() {
        let amount = |cents| Some(Amount::from_cents(cents));
        let built = Transaction::builder(Status::Completed, Amount::from_cents(2500));
        let answer = built.refunded_amount(Amount::from_cents(500)).build();
        assert_eq!(judge(Some(&Status::Completed), amount(500), &answer), Verdict::Verified);
        assert_eq!(judge(Some(&Status::Completed), amount(501), &answer), Verdict::Undecided);
    }
}
