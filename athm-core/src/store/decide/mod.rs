//! What recording an observation changes, given what is stored. Both backends use this.
//!
//! Most payments have one row or none. Two rows are found when one was seen by its reference number only, the other by its
//! ecommerceId only, and this observation carries both: they are one payment. The row with the ecommerceId stays, and the
//! other is merged into it: refunds are united, both rows' fired transitions count as fired, and then the observation is
//! applied as usual. So no transition fires twice, whichever row has fired it.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;

use super::poll::PollPlan;
use super::{Observation, Origin, PollSchedule};
use crate::dispatch::Snapshot;
use crate::models::{
    Amount, BeginError, BeginOperation, BeginResult, DeliveryId, Event, EventId, FiredTransitions, Initiator,
    LockedPayment, Operation, ReferenceNumber, RefundLedger, RefundRecord, Transaction, TransactionId, TransactionKind,
    Transition,
};
use crate::outbox::NewDelivery;
use crate::receiver::Rejection;

/// A rule of the program's own for every payment, whatever source it is recorded from.
pub(crate) type Check = Arc<dyn Fn(&Transaction) -> Result<(), Rejection> + Send + Sync>;

/// What the program has configured: its checks, its receivers and which polls it wants.
#[derive(Clone, Default)]
pub(crate) struct Policy {
    pub(crate) checks: Vec<Check>,
    pub(crate) registry: Snapshot,
    pub(crate) polls: PollSchedule,
    pub(crate) scope: SignalScope,
}

/// Which payments fire signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SignalScope {
    #[default]
    Every,
    /// Those that this program opened.
    OpenedHere,
}

/// A payment as it is stored, with the transitions that it has fired.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) transaction: Transaction,
    pub(crate) fired: FiredTransitions,
    /// Empty unless [`needs_refunds`].
    pub(crate) refunds: RefundLedger,
}

/// What is to be written.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) transaction: Transaction,
    pub(crate) write: Write,
    /// A second row of the same payment, which is merged into the first and deleted.
    pub(crate) merged: Option<TransactionId>,
    /// The refunds that are new or changed.
    pub(crate) refunds: Vec<RefundRecord>,
    /// The events that fire, with a delivery for each receiver.
    pub(crate) events: Vec<(Event, Vec<NewDelivery>)>,
    pub(crate) poll: PollPlan,
    /// Whether deliveries that wait for the customer become due: it is known, and wasn't before.
    pub(crate) releases_waiting: bool,
}

/// What is done to the payment's own row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Insert,
    Update,
    Nothing,
}

impl Policy {
    /// Applies an observation to the rows that have one of its names: none, one, or two that turn out to be one payment.
    pub(crate) fn decide(&self, rows: Vec<Stored>, observation: &Observation) -> Decision {
        let (rows, observed, conflict) = without_conflict(rows, &observation.observed);
        let observed = observed.as_ref();
        let mut rows = in_precedence(rows).into_iter();
        let Some(Stored { mut transaction, mut fired, mut refunds }) = rows.next() else {
            let (mut transaction, refunds, transitions) = Transaction::first_seen(observed, &observation.reported);
            transaction.note_problem(conflict);
            let changed = refunds.changed_since(&RefundLedger::default());
            let decision = self.decided(transaction, Write::Insert, None, changed, transitions, observation);
            return Decision { poll: self.poll(None, &decision), ..decision };
        };
        let merged = rows.next();
        let (before, refunds_before) = (transaction.clone(), refunds.clone());
        let mut transitions = Vec::new();
        if observation.origin == Origin::Reconciliation {
            transaction.recount(&refunds);
        }
        if let Some(other) = &merged {
            fired.extend(&other.fired);
            // Each refund has been reported to one row or the other.
            refunds.merge(&mut transaction, &other.transaction, &other.refunds);
            // Fires only what neither row has fired.
            transitions.extend(transaction.apply(&other.transaction, &[], &mut refunds, &mut fired));
        }
        if observation.origin == Origin::Acceptance {
            transitions.extend(transaction.accept(observed.total, observed.updated_at, &mut fired));
        } else {
            transitions.extend(transaction.apply(observed, &observation.reported, &mut refunds, &mut fired));
        }
        if observation.origin == Origin::Reconciliation {
            transaction.correct(&before, observed, &refunds);
        }
        transaction.note_problem(conflict);
        let write = if transaction == before { Write::Nothing } else { Write::Update };
        // A row that is merged may have deliveries that wait, although the other one's customer is known.
        let names_customer = transaction.customer.is_some() && (before.customer.is_none() || merged.is_some());
        let merged = merged.map(|other| other.transaction.id);
        let changed = refunds.changed_since(&refunds_before);
        let decision = self.decided(transaction, write, merged, changed, transitions, observation);
        let poll = if write == Write::Nothing { PollPlan::Keep } else { self.poll(Some(&before), &decision) };
        Decision { poll, releases_waiting: names_customer, ..decision }
    }

    fn decided(
        &self,
        transaction: Transaction,
        write: Write,
        merged: Option<TransactionId>,
        refunds: Vec<RefundRecord>,
        transitions: Vec<Transition>,
        observation: &Observation,
    ) -> Decision {
        // A step that isn't stored has not been taken: it fires once the payment turns out to be one of ours.
        let is_in_scope = self.scope == SignalScope::Every || transaction.is_ours();
        let transitions = if is_in_scope { transitions } else { Vec::new() };
        let rejection = if transitions.is_empty() { None } else { self.rejection(&transaction) };
        let events = transitions.into_iter().map(|transition| {
            let event = Event {
                id: EventId::new(),
                transaction_id: transaction.id,
                transition,
                sender: observation.sender.clone(),
                rejection: rejection.clone(),
                created_at: observation.observed.updated_at,
            };
            let deliveries = self.deliveries(&event, &transaction);
            (event, deliveries)
        });
        let (events, poll) = (events.collect(), PollPlan::Keep);
        Decision { events, transaction, write, merged, refunds, poll, releases_waiting: false }
    }

    /// Whether an operation may begin. Nothing is authorized on a schedule that a check of the program's own refuses.
    pub(crate) fn begin(
        &self,
        operation: &BeginOperation,
        now: Timestamp,
        locked: Option<LockedPayment>,
    ) -> BeginResult {
        let is_scheduled = operation.operation == Operation::Authorize && operation.initiator == Initiator::Schedule;
        let approved = locked.as_ref().map(|locked| &locked.transaction).filter(|payment| !payment.status.is_final());
        if let Some(payment) = approved.filter(|_| is_scheduled)
            && let Some(reason) = self.rejection(payment)
        {
            return Err(BeginError::Rejected { reason, status: payment.status.clone() });
        }
        operation.decide(now, locked)
    }

    /// Why it fires nothing: its total is negative, or one of the program's checks refuses it. A check that panics
    /// refuses.
    fn rejection(&self, transaction: &Transaction) -> Option<String> {
        if transaction.is_negative() {
            return Some(String::from(NEGATIVE));
        }
        self.checks.iter().find_map(|check| match catch_unwind(AssertUnwindSafe(|| check(transaction))) {
            Ok(Ok(())) => None,
            Ok(Err(rejection)) => Some(rejection.to_string()),
            Err(_) => Some(String::from("a check panicked")),
        })
    }

    fn deliveries(&self, event: &Event, transaction: &Transaction) -> Vec<NewDelivery> {
        if event.rejection.is_some() {
            return Vec::new();
        }
        let signals = event.transition.signals().iter();
        let each = signals.flat_map(|&signal| {
            let listening = self.registry.listening(signal, &event.sender);
            listening.filter(|receiver| receiver.accepts(transaction)).map(move |receiver| NewDelivery {
                id: DeliveryId::new(),
                signal,
                receiver: receiver.id().to_owned(),
                waits_for_customer: transaction.customer.is_none() && receiver.waits_for_customer(signal),
            })
        });
        each.collect()
    }
}

/// Whether the decision depends on the stored refunds. For most payments it doesn't, which saves a query.
pub(crate) fn needs_refunds<'a>(mut rows: impl Iterator<Item = &'a Transaction>, observation: &Observation) -> bool {
    let Some(row) = rows.next() else { return false };
    let (observed, known) = (observation.observed.refunded_amount, row.refunded_amount);
    let differs = match observation.origin {
        Origin::Lookup => observed > known,
        Origin::Reconciliation => observed != known,
        Origin::Acceptance => false,
    };
    rows.next().is_some() || !observation.reported.is_empty() || differs
}

/// The row with the ecommerceId first: it stays when two turn out to be one payment.
fn in_precedence(mut rows: Vec<Stored>) -> Vec<Stored> {
    rows.sort_by_key(|row| row.transaction.ecommerce_id.is_none());
    rows
}

const NEGATIVE: &str = "its total is negative";

/// One reference number can't belong to two ecommerceIds. When the observation has the reference number of a row with
/// another ecommerceId, it is recorded without that number: a placeholder is more likely than a mistake of the provider's,
/// and a completed payment is worth more than its number. Returns the rows that remain, the observation to apply, and the
/// number that was left out.
fn without_conflict(
    mut rows: Vec<Stored>,
    observed: &Transaction,
) -> (Vec<Stored>, Cow<'_, Transaction>, Option<&ReferenceNumber>) {
    let found = rows.len();
    rows.retain(|row| {
        let ids = row.transaction.ecommerce_id.zip(observed.ecommerce_id);
        ids.is_none_or(|(stored, observed)| stored == observed)
    });
    if rows.len() == found {
        return (rows, Cow::Borrowed(observed), None);
    }
    let without = Transaction { reference_number: None, ..observed.clone() };
    (rows, Cow::Owned(without), observed.reference_number.as_ref())
}

impl Transaction {
    /// Whether its total is negative, which no payment's is.
    fn is_negative(&self) -> bool {
        self.kind != TransactionKind::Refund && self.total < Amount::ZERO
    }

    /// Notes a problem that a person must look at. The first one stays.
    fn note_problem(&mut self, conflict: Option<&ReferenceNumber>) {
        let problem = match conflict {
            _ if self.problem.is_some() => return,
            _ if self.is_negative() => String::from(NEGATIVE),
            Some(reference) => format!("its reference number {reference} belongs to another payment"),
            None => return,
        };
        tracing::warn!(transaction = %self.id, problem, "a payment must be looked at");
        self.problem = Some(problem);
    }
}

#[cfg(test)]
mod tests;
