//! What recording a payment comes to, decided on what is recorded already. Every backend asks this.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::poll::PollPlan;
use super::{Origin, PollSchedule, Record, StoreError};
use crate::dispatch::Snapshot;
use crate::models::{
    DeliveryId, Event, EventId, FiredTransitions, RefundLedger, RefundRecord, Transaction, TransactionId, Transition,
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
    pub(crate) fn decide(&self, rows: Vec<Stored>, record: &Record) -> Result<Decision, StoreError> {
        let observed = &record.observed;
        let mut rows = in_precedence(rows).into_iter();
        let Some(Stored { mut transaction, mut fired, mut refunds }) = rows.next() else {
            let (transaction, refunds, transitions) = Transaction::first_seen(observed, &record.reported);
            let changed = refunds.changed_since(&RefundLedger::default());
            let poll = self.poll(None, &transaction);
            let decision = self.decided(transaction, Write::Insert, None, changed, transitions, record);
            return Ok(Decision { poll, ..decision });
        };
        let merged = rows.next();
        refuse_conflict(&transaction, merged.as_ref(), observed)?;
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
        let write = if transaction == before { Write::Nothing } else { Write::Update };
        let poll = if write == Write::Nothing { PollPlan::Keep } else { self.poll(Some(&before), &transaction) };
        let merged = merged.map(|other| other.transaction.id);
        let changed = refunds.changed_since(&refunds_before);
        Ok(Decision { poll, ..self.decided(transaction, write, merged, changed, transitions, record) })
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

    /// Why the program's own checks refuse it. A check that panics has not agreed.
    fn rejection(&self, transaction: &Transaction) -> Option<String> {
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

/// One reference number can't belong to two tickets.
fn refuse_conflict(
    transaction: &Transaction,
    merged: Option<&Stored>,
    observed: &Transaction,
) -> Result<(), StoreError> {
    let tickets = [Some(transaction), merged.map(|row| &row.transaction), Some(observed)];
    let mut tickets = tickets.into_iter().flatten().filter_map(|transaction| transaction.ecommerce_id);
    let first = tickets.next();
    if tickets.all(|ticket| Some(ticket) == first) {
        return Ok(());
    }
    let reference = observed.reference_number.as_ref().map(ToString::to_string).unwrap_or_default();
    Err(StoreError::Conflict { reference })
}
