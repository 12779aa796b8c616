//! Payments as they were seen become payments as they are recorded.

use std::collections::{HashMap, HashSet};

use futures_util::future::try_join;
use tracing::Span;
use uuid::Uuid;

use super::draft::Draft;
use super::fault::{Fault, Result};
use super::find::{filled, ids, select_transaction};
use super::job::{BatchContext, Batched, ConflictKeys, Request, WriteResult};
use super::payment::{insert, merge, settle, update};
use super::refunds::{refunds_of, write_refund};
use super::session::{Session, Statements, column, values};
use crate::models::{PaymentKey, ReferenceNumber, Transaction};
use crate::outbox::EventDeliveries;
use crate::store::decide::{Stored, Write, needs_refunds};
use crate::store::{Record, Recorded, StoreContext};

/// A payment as it was seen, and where.
pub(super) struct Recording {
    pub(super) record: Record,
    pub(super) span: Span,
}

impl Request for Recording {
    type Written = (Recorded, Vec<EventDeliveries>);

    fn conflict_keys(&self) -> ConflictKeys {
        let observed = &self.record.observed;
        let ticket = observed.ecommerce_id.map(PaymentKey::Ecommerce);
        let reference = observed.reference_number.clone().map(PaymentKey::Reference);
        ConflictKeys::These([ticket, reference].iter().flatten().map(ToString::to_string).collect())
    }

    fn committed(self, (_, works): &mut Self::Written, context: &StoreContext) {
        works.drain(..).for_each(|work| context.outbox.hand_over(work));
    }
}

impl Batched for Recording {
    /// Most payments are new: all are taken for such, and those that aren't are looked at again.
    async fn execute_all(recordings: &[&Self], batch: BatchContext<'_>) -> Result<Vec<WriteResult<Self::Written>>> {
        let mut drafts = Vec::with_capacity(recordings.len());
        for Self { record, .. } in recordings {
            let decision = batch.context.policy.decide(Vec::new(), record);
            drafts.push(Draft::of(decision, record, &batch.context.outbox));
        }
        let new = insert(batch.session, &drafts, batch.now()).await?;
        let refunded = drafts.iter().filter(|draft| new.contains(draft.transaction.id.as_uuid()));
        let mut refunds = Statements::new();
        refunded.flat_map(|draft| &draft.refunds).for_each(|refund| write_refund(&mut refunds, refund));
        batch.session.execute_all(refunds).await?;
        let mut written = Vec::with_capacity(recordings.len());
        for (draft, Self { span, .. }) in drafts.into_iter().zip(recordings) {
            let is_new = new.contains(draft.transaction.id.as_uuid());
            written.push(is_new.then(|| Ok(draft.recorded(span))));
        }
        let mut known: Vec<_> = (0..recordings.len()).filter(|&n| written[n].is_none()).collect();
        while !known.is_empty() {
            known = apply(recordings, &known, &mut written, batch).await?;
        }
        Ok(written.into_iter().flatten().collect())
    }
}

/// Applies what was seen of these payments to what is there already. Those are left that batch out to be the same row
/// as another of them.
async fn apply(
    recordings: &[&Recording],
    known: &[usize],
    written: &mut [Option<WriteResult<<Recording as Request>::Written>>],
    batch: BatchContext<'_>,
) -> Result<Vec<usize>> {
    let rows = lock(batch.session, &column(known, |&n| &recordings[n].record)).await?;
    let (mut left, mut taken) = (Vec::new(), HashSet::new());
    let (mut merged, mut new, mut changed, mut unchanged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &n in known {
        let record = &recordings[n].record;
        let stored: Vec<_> = rows.iter().filter(|row| is_one(&row.transaction, &record.observed)).cloned().collect();
        if stored.iter().any(|row| taken.contains(row.transaction.id.as_uuid())) {
            left.push(n);
            continue;
        }
        taken.extend(stored.iter().map(|row| *row.transaction.id.as_uuid()));
        if stored.is_empty() {
            // It was in the way of an insert, and is gone: another process has merged it with another row.
            return Err(Fault::gone());
        }
        let decision = batch.context.policy.decide(stored, record);
        merged.extend(decision.merged.map(|other| (other, decision.transaction.id)));
        let is_unchanged =
            decision.write == Write::Nothing && decision.events.is_empty() && decision.refunds.is_empty();
        // Another payment has its reference number: it is new all the same.
        let is_new = decision.write == Write::Insert;
        let draft = Draft::of(decision, record, &batch.context.outbox);
        let drafts = match draft.auth_token() {
            _ if is_new => &mut new,
            None if is_unchanged => &mut unchanged,
            _ => &mut changed,
        };
        drafts.push((n, draft));
    }
    let (new_of, new): (Vec<_>, Vec<_>) = new.into_iter().unzip();
    if insert(batch.session, &new, batch.now()).await?.len() < new.len() {
        return Err(Fault::gone());
    }
    let (unchanged_of, unchanged): (Vec<_>, Vec<_>) = unchanged.into_iter().unzip();
    let (changed_of, changed): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    let mut statements = Statements::new();
    merged.into_iter().for_each(|(from, to)| merge(&mut statements, from, to));
    update(&mut statements, &changed, batch.now());
    new.iter()
        .chain(&changed)
        .flat_map(|draft| &draft.refunds)
        .for_each(|refund| write_refund(&mut statements, refund));
    settle(&mut statements, &unchanged);
    batch.session.execute_all(statements).await?;
    let of_each = new_of.into_iter().chain(changed_of).chain(unchanged_of);
    for (n, draft) in of_each.zip(new.into_iter().chain(changed).chain(unchanged)) {
        written[n] = Some(Ok(draft.recorded(&recordings[n].span)));
    }
    Ok(left)
}

fn is_one(row: &Transaction, observed: &Transaction) -> bool {
    let has_ticket = observed.ecommerce_id.is_some() && row.ecommerce_id == observed.ecommerce_id;
    has_ticket || observed.reference_number.is_some() && row.reference_number == observed.reference_number
}

/// The rows that carry any of their names, locked in one order, with the steps that they have taken.
async fn lock(session: &Session, records: &[&Record]) -> Result<Vec<Stored>> {
    let observed = || records.iter().map(|record| &record.observed);
    let sql = select_transaction!(
        "FROM athm_transaction t WHERE t.ecommerce_id = ANY ($1) OR t.reference_number = ANY ($2) \
         ORDER BY t.id FOR UPDATE"
    );
    let tickets: Vec<_> = observed().filter_map(|seen| seen.ecommerce_id.map(|id| *id.as_uuid())).collect();
    let references: Vec<_> =
        observed().filter_map(|seen| seen.reference_number.as_ref().map(ReferenceNumber::as_str)).collect();
    let found = session.all(sql, values![tickets, references], |columns| columns.transaction()).await?;
    let sql = "SELECT transaction_id, transition FROM athm_event WHERE transaction_id = ANY ($1)";
    let steps =
        session.all(sql, values![ids(&found)], |columns| Ok((columns.get::<Uuid>()?, columns.get::<String>()?)));
    let (found, steps) = try_join(filled(session, found), steps).await?;
    let needed =
        records.iter().any(|record| needs_refunds(found.iter().filter(|row| is_one(row, &record.observed)), record));
    let refunds = if needed { refunds_of(session, ids(&found)).await? } else { Vec::new() };
    let mut fired = HashMap::<_, Vec<_>>::new();
    for (of, step) in steps {
        fired.entry(of).or_default().push(step);
    }
    let stored = found.into_iter().map(|transaction| {
        let fired = fired.remove(transaction.id.as_uuid()).unwrap_or_default().into_iter().collect();
        let refunds = refunds.iter().filter(|refund| refund.transaction_id == transaction.id).cloned().collect();
        Stored { transaction, fired, refunds }
    });
    Ok(stored.collect())
}
