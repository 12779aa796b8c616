//! What the provider is to be asked about a payment although no message says so: an open one of ours, how it stands; a
//! completed one, who paid.

use std::time::Duration;

use jiff::Timestamp;

use super::Policy;
use crate::models::{Amount, Status, Transaction, TransactionId};

/// How long a payment that was just opened is left alone: its customer has to find the phone first.
const FIRST_POLL: Duration = Duration::from_secs(20);
/// How long after a completion the provider's search is asked who paid: it may lag behind.
const CUSTOMER: Duration = Duration::from_secs(2);

/// A payment whose turn has come.
#[derive(Debug)]
pub(crate) struct PollTask {
    pub(crate) transaction: Transaction,
    /// How often it had its turn, this time included.
    pub(crate) attempt: u32,
}

/// When a payment has its next turn, or that it needs none; it counts unless something else was decided meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reschedule {
    pub(crate) transaction: TransactionId,
    pub(crate) attempt: u32,
    pub(crate) due_at: Option<Timestamp>,
}

/// What recording a payment makes of its errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollPlan {
    Keep,
    /// A new one, whose turn comes after that time.
    In(Duration),
    AttemptOutcome,
}

/// What a message tells of a payment that it doesn't name.
#[derive(Debug, Clone)]
pub(crate) struct MatchCriteria {
    pub(crate) total: Amount,
    pub(crate) metadata_1: String,
    pub(crate) metadata_2: String,
}

/// Who runs errands here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PollSchedule {
    /// Nobody: there is no provider.
    None,
    /// The sweeper; it leaves it to others to authorize what the customer has approved.
    #[default]
    Watched,
    /// The sweeper, which also authorizes what the customer has approved.
    Authorized,
}

impl Policy {
    /// The errand of a payment that was recorded like that before, if it was.
    pub(super) fn poll(&self, before: Option<&Transaction>, after: &Transaction) -> PollPlan {
        let was = before.map(|before| &before.status);
        let is_ours = after.deadline.is_some() && after.ecommerce_id.is_some();
        match &after.status {
            _ if self.polls == PollSchedule::None => PollPlan::Keep,
            Status::Completed if was != Some(&Status::Completed) && asks_who_paid(after) => PollPlan::In(CUSTOMER),
            Status::Completed if asks_who_paid(after) => PollPlan::Keep,
            status if status.is_final() => before.map_or(PollPlan::Keep, |_| PollPlan::AttemptOutcome),
            Status::Confirmed
                if is_ours && was != Some(&Status::Confirmed) && self.polls == PollSchedule::Authorized =>
            {
                PollPlan::In(Duration::ZERO)
            }
            _ if is_ours && before.is_none_or(|before| before.deadline.is_none()) => PollPlan::In(FIRST_POLL),
            _ => PollPlan::Keep,
        }
    }
}

fn asks_who_paid(transaction: &Transaction) -> bool {
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
        Policy { polls, ..Policy::default() }.poll(before, after)
    }

    #[test]
    fn an_open_payment_is_watched_if_we_opened_it() {
        assert_eq!(plan(PollSchedule::Watched, None, &ours(Status::Open)), PollPlan::In(FIRST_POLL));
        assert_eq!(plan(PollSchedule::Watched, Some(&of(Status::Open)), &ours(Status::Open)), PollPlan::In(FIRST_POLL));
        assert_eq!(plan(PollSchedule::Watched, Some(&ours(Status::Open)), &ours(Status::Confirmed)), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::Watched, None, &of(Status::Open)), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::None, None, &ours(Status::Open)), PollPlan::Keep);
    }

    #[test]
    fn an_approved_one_is_looked_after_at_once_if_it_is_to_be_authorized() {
        let (open, confirmed) = (ours(Status::Open), ours(Status::Confirmed));
        assert_eq!(plan(PollSchedule::Authorized, Some(&open), &confirmed), PollPlan::In(Duration::ZERO));
        assert_eq!(plan(PollSchedule::Authorized, Some(&confirmed), &confirmed), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::Authorized, None, &of(Status::Confirmed)), PollPlan::Keep);
    }

    #[test]
    fn a_completed_one_is_asked_who_paid_once_unless_that_is_known() {
        let known = Transaction { customer: Some(crate::models::Customer::default()), ..paid() };
        assert_eq!(plan(PollSchedule::Watched, None, &paid()), PollPlan::In(CUSTOMER));
        assert_eq!(plan(PollSchedule::Watched, Some(&ours(Status::Open)), &paid()), PollPlan::In(CUSTOMER));
        assert_eq!(plan(PollSchedule::Watched, Some(&paid()), &paid()), PollPlan::Keep);
        assert_eq!(plan(PollSchedule::Watched, Some(&paid()), &known), PollPlan::AttemptOutcome);
        assert_eq!(plan(PollSchedule::Watched, None, &known), PollPlan::Keep);
        // What nobody has verified, or has no number yet, can't be searched for.
        assert_eq!(
            plan(PollSchedule::Watched, Some(&ours(Status::Open)), &of(Status::Completed)),
            PollPlan::AttemptOutcome
        );
    }

    #[test]
    fn what_ended_without_money_needs_nothing_more() {
        for status in [Status::Cancelled, Status::Expired] {
            assert_eq!(
                plan(PollSchedule::Authorized, Some(&ours(Status::Open)), &ours(status)),
                PollPlan::AttemptOutcome
            );
        }
    }
}
