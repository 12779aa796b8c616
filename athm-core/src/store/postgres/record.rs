//! Recording payments as they were observed, many at once.
//!
//! Most payments are new, so that all of a batch are inserted first, by one statement that skips those of which a row
//! exists. These are read again with a lock, decided on, and updated. Two observations of one group share no name, and may
//! concern one row all the same: one by its ecommerceId, the other by its reference number. The second is applied in a
//! further round, to the row as the first has left it.
//!
//! Most batches only record payments. Their insert is sent [without a transaction](RecordRequest::insert_new) around it: it
//! commits by itself, which saves a round trip. Payments that it skips, and refunds, need a transaction.
//!
//! The order of locks: payments first, in the order of their ids, then everything that belongs to them. Processes that
//! keep to it can't deadlock on payments. Inserts may still wait for each other crosswise; the server then ends one of the
//! transactions, and its batch is tried again.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::try_join;
use tokio::time::timeout;
use tracing::Span;

use super::commit::COMMIT_TIMEOUT;
use super::fault::{Fault, Result};
use super::find::{ids, with_details};
use super::payment::{finish, insert, merge, release_waiting, update};
use super::refunds::{refunds_of, write_refund};
use super::request::{BatchContext, BatchedRequest, ConflictKeys, Request, WriteResult};
use super::session::Session;
use super::values::{Statements, column, values};
use crate::models::{DeliveryId, PaymentKey, ReferenceNumber, Transaction};
use crate::outbox::{Attempt, Handover};
use crate::store::decide::{Stored, Write, needs_refunds};
use crate::store::payment_write::PaymentWrite;
use crate::store::row::{Columns, select_transaction};
use crate::store::{Observation, Recorded, StoreContext};

/// A payment as it was observed, and the span in which it is recorded.
pub(super) struct RecordRequest {
    observation: Observation,
    span: Span,
    /// Set when an insert has skipped the payment: the next execution doesn't try to insert it again.
    is_known: AtomicBool,
}

impl RecordRequest {
    pub(super) fn new(observation: Observation) -> Self {
        Self { observation, span: Span::current(), is_known: AtomicBool::new(false) }
    }

    /// What is written if the payment is new.
    fn new_payment(&self, context: &StoreContext) -> PaymentWrite {
        let decision = context.policy.decide(Vec::new(), &self.observation);
        PaymentWrite::new(decision, &self.observation, &context.outbox)
    }

    /// Inserts the payments that are new, by one statement, outside a transaction. Returns what was written, and `None` for
    /// those that are still to be [executed](BatchedRequest::execute_all).
    ///
    /// When the connection is lost, any of them may be inserted. Beside the fault, all are returned as if they were.
    pub(super) async fn insert_new(
        requests: &[&Self],
        batch: BatchContext<'_>,
    ) -> (Vec<Option<<Self as Request>::Written>>, Result<()>) {
        let writes = column(requests, |request| request.new_payment(batch.context));
        if writes.iter().any(|write| !write.refunds.is_empty()) {
            // Refunds are inserted by a second statement.
            return (requests.iter().map(|_| None).collect(), Ok(()));
        }
        // Limited here and not by the caller: what may be inserted is returned when there is no answer.
        let inserted = timeout(COMMIT_TIMEOUT, insert(batch.session, &writes, batch.now())).await;
        let inserted = inserted.unwrap_or_else(|_| Err(Fault::timed_out()));
        let written = writes.into_iter().zip(requests).map(|(write, request)| {
            let may_be_new = match &inserted {
                Ok(new) => new.contains(write.transaction.id.as_uuid()),
                Err(fault) => fault.is_lost(),
            };
            request.is_known.store(inserted.is_ok() && !may_be_new, Ordering::Relaxed);
            may_be_new.then(|| write.recorded(&request.span))
        });
        (written.collect(), inserted.map(drop))
    }
}

impl Request for RecordRequest {
    type Written = (Recorded, Handover);

    fn conflict_keys(&self) -> ConflictKeys {
        let observed = &self.observation.observed;
        let ecommerce_id = observed.ecommerce_id.map(PaymentKey::Ecommerce);
        let reference = observed.reference_number.clone().map(PaymentKey::Reference);
        ConflictKeys::These([ecommerce_id, reference].iter().flatten().map(ToString::to_string).collect())
    }

    fn claimed((_, handover): &Self::Written) -> Vec<(DeliveryId, Attempt)> {
        let deliveries = handover.claimed.iter().flat_map(|event| &event.deliveries);
        deliveries.map(|claimed| (claimed.id(), claimed.attempt)).collect()
    }

    fn committed(self, (_, handover): &mut Self::Written, context: &StoreContext) {
        context.outbox.take_over(std::mem::take(handover));
    }
}

impl BatchedRequest for RecordRequest {
    async fn execute_all(requests: &[&Self], batch: BatchContext<'_>) -> Result<Vec<WriteResult<Self::Written>>> {
        let mut written: Vec<_> = requests.iter().map(|_| None).collect();
        let (mut known, to_insert): (Vec<_>, Vec<_>) =
            (0..requests.len()).partition(|&n| requests[n].is_known.swap(false, Ordering::Relaxed));
        let writes = column(&to_insert, |&n| requests[n].new_payment(batch.context));
        let new = insert(batch.session, &writes, batch.now()).await?;
        let is_new = |write: &PaymentWrite| new.contains(write.transaction.id.as_uuid());
        let mut refunds = Statements::new();
        let inserted = writes.iter().filter(|write| is_new(write));
        inserted.flat_map(|write| &write.refunds).for_each(|refund| write_refund(&mut refunds, refund));
        batch.session.execute_all(refunds).await?;
        for (n, write) in to_insert.into_iter().zip(writes) {
            if is_new(&write) {
                written[n] = Some(Ok(write.recorded(&requests[n].span)));
            } else {
                known.push(n);
            }
        }
        while !known.is_empty() {
            known = apply(requests, &known, &mut written, batch).await?;
        }
        Ok(written.into_iter().flatten().collect())
    }
}

/// Applies observations to the rows that exist. Returns those that concern a row which another of them has just changed:
/// they are applied in the next round, to the row as it is by then.
async fn apply(
    requests: &[&RecordRequest],
    known: &[usize],
    written: &mut [Option<WriteResult<<RecordRequest as Request>::Written>>],
    batch: BatchContext<'_>,
) -> Result<Vec<usize>> {
    let rows = lock(batch.session, &column(known, |&n| &requests[n].observation)).await?;
    let (mut next_round, mut taken) = (Vec::new(), HashSet::new());
    let (mut merged, mut new, mut changed, mut unchanged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &n in known {
        let observation = &requests[n].observation;
        let stored: Vec<_> =
            rows.iter().filter(|row| has_common_name(&row.transaction, &observation.observed)).cloned().collect();
        if stored.iter().any(|row| taken.contains(row.transaction.id.as_uuid())) {
            next_round.push(n);
            continue;
        }
        taken.extend(stored.iter().map(|row| *row.transaction.id.as_uuid()));
        if stored.is_empty() {
            // The row that prevented the insert is gone: another process merged it into another row.
            return Err(Fault::row_deleted());
        }
        let decision = batch.context.policy.decide(stored, observation);
        merged.extend(decision.merged.map(|other| (other, decision.transaction.id)));
        let is_unchanged =
            decision.write == Write::Nothing && decision.events.is_empty() && decision.refunds.is_empty();
        // The row that prevented the insert is another payment's with the same reference number: this one is new.
        let is_new = decision.write == Write::Insert;
        let write = PaymentWrite::new(decision, observation, &batch.context.outbox);
        let writes = match write.auth_token() {
            // An unchanged row that brings a token for authorization is written for that alone.
            _ if is_new => &mut new,
            None if is_unchanged => &mut unchanged,
            _ => &mut changed,
        };
        writes.push((n, write));
    }
    let (new_of, new): (Vec<_>, Vec<_>) = new.into_iter().unzip();
    if insert(batch.session, &new, batch.now()).await?.len() < new.len() {
        return Err(Fault::row_deleted());
    }
    let (unchanged_of, unchanged): (Vec<_>, Vec<_>) = unchanged.into_iter().unzip();
    let (changed_of, changed): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    let mut statements = Statements::new();
    merged.into_iter().for_each(|(from, to)| merge(&mut statements, from, to));
    update(&mut statements, &changed, batch.now());
    let with_refunds = new.iter().chain(&changed);
    with_refunds.flat_map(|write| &write.refunds).for_each(|refund| write_refund(&mut statements, refund));
    finish(&mut statements, &unchanged);
    release_waiting(&mut statements, changed.iter().chain(&unchanged), batch.now());
    batch.session.execute_all(statements).await?;
    let of_each = new_of.into_iter().chain(changed_of).chain(unchanged_of);
    for (n, write) in of_each.zip(new.into_iter().chain(changed).chain(unchanged)) {
        written[n] = Some(Ok(write.recorded(&requests[n].span)));
    }
    Ok(next_round)
}

/// Whether a row and an observation have a name in common.
fn has_common_name(row: &Transaction, observed: &Transaction) -> bool {
    let has_ecommerce_id = observed.ecommerce_id.is_some() && row.ecommerce_id == observed.ecommerce_id;
    has_ecommerce_id || observed.reference_number.is_some() && row.reference_number == observed.reference_number
}

/// Locks the rows that have any of these names, in the order of their ids, and reads what deciding needs.
async fn lock(session: &Session, observations: &[&Observation]) -> Result<Vec<Stored>> {
    let observed = || observations.iter().map(|observation| &observation.observed);
    let sql = select_transaction!(
        "FROM athm_transaction t WHERE t.ecommerce_id = ANY ($1) OR t.reference_number = ANY ($2) \
         ORDER BY t.id FOR UPDATE"
    );
    let ecommerce_ids: Vec<_> = observed().filter_map(|seen| seen.ecommerce_id.map(|id| *id.as_uuid())).collect();
    let references: Vec<_> =
        observed().filter_map(|seen| seen.reference_number.as_ref().map(ReferenceNumber::as_str)).collect();
    let found = session.all(sql, values![ecommerce_ids, references], |row| row.transaction()).await?;
    let sql = "SELECT transaction_id, transition FROM athm_event WHERE transaction_id = ANY ($1)";
    let transitions = session.all(sql, values![ids(&found)], |row| Ok((row.uuid()?, row.text()?)));
    let (found, transitions) = try_join(with_details(session, found), transitions).await?;
    let needed = observations.iter().any(|observation| {
        needs_refunds(found.iter().filter(|row| has_common_name(row, &observation.observed)), observation)
    });
    let refunds = if needed { refunds_of(session, ids(&found)).await? } else { Vec::new() };
    let mut fired = HashMap::<_, Vec<_>>::new();
    for (of, transition) in transitions {
        fired.entry(of).or_default().push(transition);
    }
    let stored = found.into_iter().map(|transaction| {
        let fired = fired.remove(transaction.id.as_uuid()).unwrap_or_default().into_iter().collect();
        let refunds = refunds.iter().filter(|refund| refund.transaction_id == transaction.id).cloned().collect();
        Stored { transaction, fired, refunds }
    });
    Ok(stored.collect())
}
