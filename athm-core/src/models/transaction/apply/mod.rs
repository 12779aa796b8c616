//! The one transition function.
//!
//! Every change of a payment goes through [`Transaction::apply`]: a pure function of the payment as it is recorded, the
//! transitions that it has fired, and the payment as it was just observed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::models::{Amount, Refund, RefundLedger, ReportedRefund, Status, Transaction, TransactionKind, Transition};

/// The transitions that a payment has fired: each fires once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FiredTransitions(BTreeSet<String>);

impl FiredTransitions {
    /// Adds a transition; `false` if it has fired before.
    fn first(&mut self, transition: &Transition) -> bool {
        self.0.insert(transition.key())
    }

    /// Adds the transitions of another row of the same payment.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }
}

impl FromIterator<String> for FiredTransitions {
    fn from_iter<I: IntoIterator<Item = String>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl Transaction {
    /// A payment that is observed for the first time, and the transitions that it has already made.
    pub(crate) fn first_seen(observed: &Self, reported: &[ReportedRefund]) -> (Self, RefundLedger, Vec<Transition>) {
        let mut transaction = Self { status: Status::Open, refunded_amount: Amount::ZERO, ..observed.clone() };
        let mut refunds = RefundLedger::default();
        let transitions = transaction.apply(observed, reported, &mut refunds, &mut FiredTransitions::default());
        (transaction, refunds, transitions)
    }

    /// Applies an observation, and returns the transitions that it makes.
    ///
    /// - Completed never goes back. Cancelled and expired end a payment; only a verified answer of the provider
    ///   completes it after that.
    /// - An observation behind the recorded state is late: it fills in identifiers, and changes nothing else.
    /// - Verified details are not overwritten by unverified ones.
    /// - CANCEL means expired when it was observed after the deadline. The first of the two stays.
    /// - Another total than the expected one is a mismatch: the payment completes once that total is accepted.
    /// - An increase of the refunded amount makes refunds of exactly the difference ([`RefundLedger`]).
    pub(crate) fn apply(
        &mut self,
        observed: &Self,
        reported: &[ReportedRefund],
        refunds: &mut RefundLedger,
        fired: &mut FiredTransitions,
    ) -> Vec<Transition> {
        let before = self.clone();
        self.fill_missing(observed);
        let mut transitions = Vec::new();
        if let Some(status) = self.next_status(observed) {
            self.take_details(observed, status != before.status);
            self.status = status;
            transitions.extend(Transition::into(self));
            transitions.extend(self.take_refunds(observed, reported, refunds).into_iter().map(Transition::Refunded));
        }
        transitions.retain(|transition| fired.first(transition));
        if *self != before {
            self.updated_at = observed.updated_at;
        }
        transitions
    }

    /// Accepts the total that a person has seen, and says which steps that makes: none if the total is another one by now.
    pub(crate) fn accept(&mut self, seen: Amount, at: Timestamp, fired: &mut FiredTransitions) -> Vec<Transition> {
        if self.mismatch().is_none() || self.total != seen {
            return Vec::new();
        }
        (self.accepted_total, self.updated_at) = (Some(seen), at);
        Transition::into(self).into_iter().filter(|transition| fired.first(transition)).collect()
    }

    /// The state after the observation; `None` when the observation is behind the state.
    fn next_status(&self, observed: &Self) -> Option<Status> {
        match (&self.status, &observed.status) {
            (Status::Completed, Status::Completed) => Some(Status::Completed),
            (Status::Cancelled | Status::Expired, Status::Completed) => observed.verified.then_some(Status::Completed),
            (Status::Cancelled | Status::Expired, Status::Cancelled | Status::Expired) => Some(self.status.clone()),
            (Status::Completed | Status::Cancelled | Status::Expired, _) | (Status::Confirmed, Status::Open) => None,
            (_, Status::Cancelled) if self.deadline.is_some_and(|deadline| deadline <= observed.updated_at) => {
                Some(Status::Expired)
            }
            (_, status) => Some(status.clone()),
        }
    }

    /// Takes over what this row doesn't have yet, and never replaces what it has.
    fn fill_missing(&mut self, observed: &Self) {
        self.ecommerce_id = self.ecommerce_id.or(observed.ecommerce_id);
        self.reference_number = self.reference_number.take().or_else(|| observed.reference_number.clone());
        self.deadline = self.deadline.or(observed.deadline);
        // What a payment was opened with stays, whatever is seen of it later.
        self.expected_total = self.expected_total.or(observed.expected_total);
        self.accepted_total = self.accepted_total.or(observed.accepted_total);
        self.customer = self.customer.take().or_else(|| observed.customer.clone());
        // An app payment may turn out to be a checkout. A refund is reported with its payment's name, and changes no kind.
        if self.kind != TransactionKind::Ecommerce && observed.kind != TransactionKind::Refund {
            self.kind = observed.kind.clone();
        }
    }

    /// Replaces what describes the payment. An unverified message never replaces what the provider has answered.
    fn take_details(&mut self, observed: &Self, is_new_status: bool) {
        if observed.verified || !self.verified {
            self.total = observed.total;
            self.subtotal = observed.subtotal;
            self.tax = observed.tax;
            self.fee = observed.fee;
            self.net_amount = observed.net_amount;
            self.metadata_1.clone_from(&observed.metadata_1);
            self.metadata_2.clone_from(&observed.metadata_2);
            if !observed.items.is_empty() {
                self.items.clone_from(&observed.items);
            }
            self.date = observed.date.or(self.date);
            self.daily_transaction_id = observed.daily_transaction_id.clone().or(self.daily_transaction_id.take());
        }
        // A payment counts as verified as long as the provider has confirmed the status that it is in: an unverified
        // message that moves it to another status takes that away.
        self.verified = observed.verified || (self.verified && !is_new_status);
    }

    /// Records the refunds since the last observation. Only a completed payment has refunds.
    fn take_refunds(
        &mut self,
        observed: &Self,
        reported: &[ReportedRefund],
        refunds: &mut RefundLedger,
    ) -> Vec<Refund> {
        if self.status != Status::Completed || (reported.is_empty() && observed.refunded_amount <= self.refunded_amount)
        {
            return Vec::new();
        }
        let refunds_fired = refunds.record(self, observed.refunded_amount, reported, observed.updated_at);
        self.refunded_amount = refunds_fired.last().map_or(self.refunded_amount, |last| last.total_refunded);
        refunds_fired
    }
}

#[cfg(test)]
mod tests;
