//! Which deliveries run here.

use std::sync::Arc;

use tracing::Span;
use uuid::Uuid;

use super::fault::Result;
use super::find::{filled, select_transaction};
use super::job::{BatchContext, Request, Single};
use super::session::{Session, Times, values};
use crate::models::{Event, Transaction};
use crate::outbox::{ClaimedDelivery, EventDeliveries, NewDelivery};
use crate::store::{Claim, StoreContext};

/// A delivery that was claimed, with what it is about.
pub(super) struct ClaimedRow {
    transaction: Transaction,
    event: Event,
    pub(super) planned: NewDelivery,
    pub(super) attempt: u32,
    is_replay: bool,
}

impl Request for Claim {
    /// How many, and, until they are handed over, which.
    type Written = (usize, Vec<ClaimedRow>);

    fn committed(self, (_, rows): &mut Self::Written, context: &StoreContext) {
        let mut works = Vec::<EventDeliveries>::new();
        for (ClaimedRow { transaction, event, planned, attempt, is_replay }, slot) in rows.drain(..).zip(self.slots) {
            let claimed = ClaimedDelivery { planned, attempt, is_replay, slot };
            match works.iter_mut().find(|work| work.event.id == event.id) {
                Some(work) => work.deliveries.push(claimed),
                None => works.push(EventDeliveries {
                    transaction: Arc::new(transaction),
                    event: Arc::new(event),
                    deliveries: vec![claimed],
                    span: Span::none(),
                }),
            }
        }
        works.into_iter().for_each(|work| context.outbox.hand_over(work));
    }
}

impl Single for Claim {
    async fn execute(&self, BatchContext { session, times, context }: BatchContext<'_>) -> Result<Self::Written> {
        // Asked by the task that hands over what is claimed, so that it is exact.
        let running: Vec<_> = context.outbox.running().iter().map(|id| *id.as_uuid()).collect();
        let most = i64::try_from(self.slots.len()).unwrap_or(i64::MAX);
        let rows = claim(session, times, self, running, most).await?;
        Ok((rows.len(), rows))
    }
}

pub(super) async fn claim(
    session: &Session,
    times: Times,
    claim: &Claim,
    running: Vec<Uuid>,
    most: i64,
) -> Result<Vec<ClaimedRow>> {
    let sql = select_transaction!(
        ", e.id, e.transaction_id, e.transition, e.refund_amount, e.sender, e.rejection, e.created_at, \
         d.id, d.signal, d.receiver, d.attempts, d.is_replay FROM athm_delivery d \
         JOIN athm_event e ON e.id = d.event_id JOIN athm_transaction t ON t.id = e.transaction_id \
         WHERE d.state IN ('due', 'running') AND d.due_at <= $1 AND d.signal || ':' || d.receiver = ANY ($2) AND d.id <> ALL ($3) \
         ORDER BY d.due_at, d.id LIMIT $4 FOR UPDATE OF d SKIP LOCKED"
    );
    let values = values![times.there(claim.now), claim.runnable.clone(), running, most];
    let rows = session.all(sql, values, |columns| {
        Ok((columns.transaction()?, columns.event()?, columns.planned()?, columns.attempts()?))
    });
    let rows = rows.await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let claimed: Vec<_> = rows.iter().map(|(_, _, planned, _)| *planned.id.as_uuid()).collect();
    let sql = "UPDATE athm_delivery SET state = 'running', attempts = attempts + 1, due_at = $2 WHERE id = ANY ($1)";
    session.execute(sql, values![claimed, times.there(claim.lease_until)]).await?;
    let (transactions, rest): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|(transaction, event, planned, attempts)| (transaction, (event, planned, attempts)))
        .unzip();
    let transactions = filled(session, transactions).await?;
    let rows = transactions.into_iter().zip(rest).map(|(transaction, (event, planned, (attempts, is_replay)))| {
        ClaimedRow { transaction, event, planned, attempt: attempts + 1, is_replay }
    });
    Ok(rows.collect())
}
