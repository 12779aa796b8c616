//! What recording a payment comes to, decided on what is recorded already. Every backend asks this.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::poll::PollPlan;
use super::{Origin, PollSchedule, Record};
use crate::dispatch::Snapshot;
use crate::models::{
    Amount, DeliveryId, Event, EventId, FiredTransitions, ReferenceNumber, RefundLedger, RefundRecord, Transaction,
    TransactionId, TransactionKind, Transition,
};
use crate::outbox::NewDelivery;
use crate::receiver::Rejection;

/// A rule of the program's own that holds on every way in.
pub(crate) type Check = Arc<dyn Fn(&Transaction) -> Result<(), Rejection> + Send + Sync>;

/// What the program has set up: its checks, and who listens.
#[derive(Clone, Default)]
pub(crate) struct Policy {
    pub(crate) checks: Vec<Check>,
    pub(crate) registry: Snapshot,
    pub(crate) polls: PollSchedule,
}

/// A payment as it is recorded, with the steps that it has taken.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) transaction: Transaction,
    pub(crate) fired: FiredTransitions,
    /// Only where [`needs_refunds`] says so.
    pub(crate) refunds: RefundLedger,
}

/// What is to be written.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) transaction: Transaction,
    pub(crate) write: Write,
    /// A second row of the same payment, whose belongings move to the first.
    pub(crate) merged: Option<TransactionId>,
    /// Its refunds that are new, or other than they were.
    pub(crate) refunds: Vec<RefundRecord>,
    /// What happened, with a delivery for each receiver.
    pub(crate) events: Vec<(Event, Vec<NewDelivery>)>,
    pub(crate) poll: PollPlan,
}

/// How the payment's own row is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Insert,
    Update,
    Nothing,
}

impl Policy {
    /// Applies what was seen to the rows that carry one of its names: none, one, or two that turn out to be the same.
    pub(crate) fn decide(&self, rows: Vec<Stored>, record: &Record) -> Decision {
        let (rows, observed, conflict) = without_conflict(rows, &record.observed);
        let observed = observed.as_ref();
        let mut rows = in_precedence(rows).into_iter();
        let Some(Stored { mut transaction, mut fired, mut refunds }) = rows.next() else {
            let (mut transaction, refunds, transitions) = Transaction::first_seen(observed, &record.reported);
            transaction.note_problem(conflict);
            let changed = refunds.changed_since(&RefundLedger::default());
            let poll = self.poll(None, &transaction);
            let decision = self.decided(transaction, Write::Insert, None, changed, transitions, record);
            return Decision { poll, ..decision };
        };
        let merged = rows.next();
        let (before, refunds_before) = (transaction.clone(), refunds.clone());
        let mut transitions = Vec::new();
        if record.origin == Origin::Reconciliation {
            transaction.recount(&refunds);
        }
        if let Some(other) = &merged {
            fired.extend(&other.fired);
            // What was given back has been told by the one row or the other, to the last cent.
            refunds.merge(&mut transaction, &other.transaction, &other.refunds);
            // Fires nothing that the other row has fired: only what makes sense of both together.
            transitions.extend(transaction.apply(&other.transaction, &[], &mut refunds, &mut fired));
        }
        transitions.extend(transaction.apply(observed, &record.reported, &mut refunds, &mut fired));
        if record.origin == Origin::Reconciliation {
            transaction.correct(&before, observed, &refunds);
        }
        transaction.note_problem(conflict);
        let write = if transaction == before { Write::Nothing } else { Write::Update };
        let poll = if write == Write::Nothing { PollPlan::Keep } else { self.poll(Some(&before), &transaction) };
        let merged = merged.map(|other| other.transaction.id);
        let changed = refunds.changed_since(&refunds_before);
        Decision { poll, ..self.decided(transaction, write, merged, changed, transitions, record) }
    }

    fn decided(
        &self,
        transaction: Transaction,
        write: Write,
        merged: Option<TransactionId>,
        refunds: Vec<RefundRecord>,
        transitions: Vec<Transition>,
        record: &Record,
    ) -> Decision {
        let rejection = if transitions.is_empty() { None } else { self.rejection(&transaction) };
        let events = transitions.into_iter().map(|transition| {
            let event = Event {
                id: EventId::new(),
                transaction_id: transaction.id,
                transition,
                sender: record.sender.clone(),
                rejection: rejection.clone(),
                created_at: record.observed.updated_at,
            };
            let deliveries = self.deliveries(&event);
            (event, deliveries)
        });
        Decision { events: events.collect(), transaction, write, merged, refunds, poll: PollPlan::Keep }
    }

    /// Why it fires nothing: no such payment can be, or the program's own checks refuse it. A check that panics has not
    /// agreed.
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

    fn deliveries(&self, event: &Event) -> Vec<NewDelivery> {
        if event.rejection.is_some() {
            return Vec::new();
        }
        let signals = event.transition.signals().iter();
        let each = signals.flat_map(|&signal| {
            self.registry.hearing(signal, &event.sender).map(move |receiver| NewDelivery {
                id: DeliveryId::new(),
                signal,
                receiver: receiver.id().to_owned(),
            })
        });
        each.collect()
    }
}

/// Whether the refunds of these rows have a part in it: most payments have none, and are spared the question.
pub(crate) fn needs_refunds<'a>(mut rows: impl Iterator<Item = &'a Transaction>, record: &Record) -> bool {
    let Some(row) = rows.next() else { return false };
    let (observed, known) = (record.observed.refunded_amount, row.refunded_amount);
    let differs = match record.origin {
        Origin::Observation => observed > known,
        Origin::Reconciliation => observed != known,
    };
    rows.next().is_some() || !record.reported.is_empty() || differs
}

/// The row with the ecommerceId stays when two turn out to be one payment.
fn in_precedence(mut rows: Vec<Stored>) -> Vec<Stored> {
    rows.sort_by_key(|row| row.transaction.ecommerce_id.is_none());
    rows
}

const NEGATIVE: &str = "its total is negative";

/// One reference number can't belong to two tickets: what is seen of the second counts without it. A placeholder is more
/// likely than a mistake of the provider's, and a payment that is completed is worth more than its number.
fn without_conflict(
    mut rows: Vec<Stored>,
    observed: &Transaction,
) -> (Vec<Stored>, Cow<'_, Transaction>, Option<&ReferenceNumber>) {
    let found = rows.len();
    rows.retain(|row| {
        let tickets = row.transaction.ecommerce_id.zip(observed.ecommerce_id);
        tickets.is_none_or(|(known, seen)| known == seen)
    });
    if rows.len() == found {
        return (rows, Cow::Borrowed(observed), None);
    }
    let without = Transaction { reference_number: None, ..observed.clone() };
    (rows, Cow::Owned(without), observed.reference_number.as_ref())
}

impl Transaction {
    /// A payment that gives money to its customer can't be.
    fn is_negative(&self) -> bool {
        self.kind != TransactionKind::Refund && self.total < Amount::ZERO
    }

    /// Marks what a person must look at. The first reason stays.
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
