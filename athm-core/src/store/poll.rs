//! Polls: lookups of payments on a schedule, without a message. An open payment of ours is polled for its status, a
//! completed one for its customer.

use std::time::Duration;

use jiff::Timestamp;

use super::Policy;
use super::decide::Decision;
use crate::models::{Amount, Status, Transaction, TransactionId};

/// The pause before a new payment is polled: the customer needs time to approve it.
const FIRST_POLL: Duration = Duration::from_secs(20);
/// The pause between a completion and the search for the customer: the provider's search lags behind.
const CUSTOMER_SEARCH_DELAY: Duration = Duration::from_secs(2);

/// A payment whose poll is due.
#[derive(Debug)]
pub(crate) struct PollTask {
    pub(crate) transaction: Transaction,
    /// The number of this poll, from 1. It starts again when a new poll is planned.
    pub(crate) attempt: u32,
}

/// When a payment is polled next; never without `due_at`. It has no effect if a poll was claimed or planned since
/// `attempt`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reschedule {
    pub(crate) transaction: TransactionId,
    pub(crate) attempt: u32,
    pub(crate) due_at: Option<Timestamp>,
}

/// What a poll asks. Each lane is polled on its own, so that no approved payment waits behind searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollLane {
    /// How an open payment stands.
    Payment,
    /// Who paid a completed one.
    Customer,
}

/// What recording a payment does to its poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollPlan {
    Keep,
    /// Plans a poll, after this pause, in place of the one that is planned.
    In(Duration, PollLane),
    /// Deletes the poll.
    End,
}

/// What a message states about a payment without naming it.
#[derive(Debug, Clone)]
pub(crate) struct MatchCriteria {
    pub(crate) total: Amount,
    pub(crate) metadata_1: String,
    pub(crate) metadata_2: String,
}

/// Which polls are planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PollSchedule {
    /// No polls: there is no provider.
    Off,
    /// For the status and the customer. The program authorizes approved payments itself.
    #[default]
    Observe,
    /// The same, and an approved payment is polled at once, to authorize it.
    AuthorizeConfirmed,
}

impl Policy {
    /// The poll of a payment, given how it was stored before, if it was.
    pub(super) fn poll(&self, before: Option<&Transaction>, decision: &Decision) -> PollPlan {
        let waits = decision.events.iter().flat_map(|(_, deliveries)| deliveries).any(|new| new.waits_for_customer);
        self.poll_of(before, &decision.transaction, waits)
    }

    /// `waits` says that a new delivery waits for the customer: then it is searched from the start again.
    fn poll_of(&self, before: Option<&Transaction>, after: &Transaction, waits: bool) -> PollPlan {
        let is_ours = after.deadline.is_some() && after.ecommerce_id.is_some();
        match &after.status {
            _ if self.polls == PollSchedule::Off => PollPlan::Keep,
            Status::Completed if needs_customer(after) && (waits || !before.is_some_and(is_searched)) => {
                PollPlan::In(CUSTOMER_SEARCH_DELAY, PollLane::Customer)
            }
            Status::Completed if needs_customer(after) => PollPlan::Keep,
            status if status.is_final() => before.map_or(PollPlan::Keep, |_| PollPlan::End),
            Status::Confirmed
                if is_ours
                    && self.polls == PollSchedule::AuthorizeConfirmed
                    && may_be_authorized_now(before, after) =>
            {
                PollPlan::In(Duration::ZERO, PollLane::Payment)
            }
            _ if is_ours && before.is_none_or(|before| before.deadline.is_none()) => {
                PollPlan::In(FIRST_POLL, PollLane::Payment)
            }
            _ => PollPlan::Keep,
        }
    }
}

/// Whether it was approved just now, or a mismatch that held it off was accepted.
fn may_be_authorized_now(before: Option<&Transaction>, after: &Transaction) -> bool {
    let before = before.filter(|before| before.status == Status::Confirmed);
    before.is_none_or(|before| before.is_mismatch() && !after.is_mismatch())
}

/// Whether a search for its customer was planned before.
fn is_searched(before: &Transaction) -> bool {
    before.status == Status::Completed && needs_customer(before)
}

fn needs_customer(transaction: &Transaction) -> bool {
    transaction.customer.is_none() && transaction.verified && transaction.reference_number.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = "218855-0d3b";

    fn of(status: Status) -> Transaction {
        let built = Transaction::builder(status, Amount::from_cents(2500));
        built.ecommerce_id("5d0c2f3a-9b1e-11ef-8a6b-0242ac120001".parse().unwrap()).build()
    }

    fn ours(status: Status) -> Transaction {
        Transaction { deadline: Some(Timestamp::UNIX_EPOCH), ..of(status) }
    }

    fn paid() -> Transaction {
        Transaction { verified: true, reference_number: Some(REFERENCE.parse().unwrap()), ..of(Status::Completed) }
    }

    fn plan(polls: PollSchedule, before: Option<&Transaction>, after: &Transaction) -> PollPlan {
        Policy { polls, ..Policy::default() }.poll_of(before, after, false)
    }

    #[test]
    fn an_open_payment_is_polled_if_we_opened_it() {
        assert_eq!(plan(PollSchedule::Observe, None, &ours(Status::Open)), PollPlan::In(FIRST_POLL, PollLane::Payment));
        assert_eq!(
            plan(PollSchedule::Observe, Some(&of(Status::Open)), &ours(Status::Open)),
            PollPlan::In(FIRST_POLL, PollLane::Payment)
        );
        assert_eq!(plan(PollSchedule::Observe, Some(&ours(Status::Open)), &ours(Status::Confirmed)), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::Observe, None, &of(Status::Open)), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::Off, None, &ours(Status::Open)), PollPlan::Keep);
    }

    #[test]
    fn an_approved_payment_is_polled_at_once_if_it_is_to_be_authorized() {
        let (open, confirmed) = (ours(Status::Open), ours(Status::Confirmed));
        assert_eq!(
            plan(PollSchedule::AuthorizeConfirmed, Some(&open), &confirmed),
            PollPlan::In(Duration::ZERO, PollLane::Payment)
        );
        assert_eq!(plan(PollSchedule::AuthorizeConfirmed, Some(&confirmed), &confirmed), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::AuthorizeConfirmed, None, &of(Status::Confirmed)), PollPlan::Keep);
    }

    #[test]
    fn an_approved_payment_is_polled_at_once_when_its_mismatch_is_accepted() {
        let total = |expected, accepted| Transaction {
            expected_total: Some(Amount::from_cents(expected)),
            accepted_total: accepted,
            ..ours(Status::Confirmed)
        };
        let (mismatch, accepted) = (total(2400, None), total(2400, Some(Amount::from_cents(2500))));
        let at_once = PollPlan::In(Duration::ZERO, PollLane::Payment);
        assert_eq!(plan(PollSchedule::AuthorizeConfirmed, Some(&mismatch), &accepted), at_once);
        assert_eq!(plan(PollSchedule::AuthorizeConfirmed, Some(&mismatch), &mismatch), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::AuthorizeConfirmed, Some(&accepted), &accepted), PollPlan::Keep);
    }

    #[test]
    fn the_customer_of_a_completed_payment_is_searched_once_unless_it_is_known() {
        let known = Transaction { customer: Some(crate::models::Customer::default()), ..paid() };
        assert_eq!(plan(PollSchedule::Observe, None, &paid()), PollPlan::In(CUSTOMER_SEARCH_DELAY, PollLane::Customer));
        assert_eq!(
            plan(PollSchedule::Observe, Some(&ours(Status::Open)), &paid()),
            PollPlan::In(CUSTOMER_SEARCH_DELAY, PollLane::Customer)
        );
        assert_eq!(plan(PollSchedule::Observe, Some(&paid()), &paid()), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::Observe, Some(&paid()), &known), PollPlan::End);
        assert_eq!(plan(PollSchedule::Observe, None, &known), PollPlan::Keep);
        // The search needs a verified payment with a reference number.
        assert_eq!(plan(PollSchedule::Observe, Some(&ours(Status::Open)), &of(Status::Completed)), PollPlan::End);
    }

    #[test]
    fn a_payment_that_ended_without_money_is_polled_no_more() {
        for status in [Status::Cancelled, Status::Expired] {
            assert_eq!(plan(PollSchedule::AuthorizeConfirmed, Some(&ours(Status::Open)), &ours(status)), PollPlan::End);
        }
    }
}
