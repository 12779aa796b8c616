//! Claims, the renewal of leases, and acknowledgements.
//!
//! Several processes claim from one table. `FOR UPDATE SKIP LOCKED` passes over rows that another process is claiming
//! right now, so that no process waits for another and none gets the same delivery. A claim sets `due_at` to the end of
//! its lease: until then, the delivery is due for no process. Attempts are counted by the claim, so that an attempt that
//! takes its process down counts as well.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::find::with_readable_details;
use super::request::{BatchContext, BatchedRequest, ConflictKeys, Request, SingleRequest, WriteResult};
use super::row::PostgresRow;
use super::values::{Statements, column, integer, text, values};
use crate::models::{DeliveryId, Event, Transaction};
use crate::outbox::{Acknowledgement, ClaimedDelivery, DeliveryUpdate, EventDeliveries, NewDelivery};
use crate::store::damaged::DAMAGED_PAUSE;
use crate::store::row::{Columns, select_claimable};
use crate::store::{Claim, StoreContext};
use crate::util::clock::later;

/// A delivery that was claimed, with its event and transaction. It gets its slot after the commit.
pub(super) struct ClaimedRow {
    transaction: Transaction,
    event: Event,
    pub(super) delivery: NewDelivery,
    pub(super) attempt: u32,
    is_replay: bool,
}

impl Request for Claim {
    /// How many deliveries were claimed, and, until they are handed over, which.
    type Written = (usize, Vec<ClaimedRow>);

    fn committed(self, (_, rows): &mut Self::Written, context: &StoreContext) {
        let claimed = rows.drain(..).zip(self.slots).map(|(row, slot)| {
            let ClaimedRow { transaction, event, delivery, attempt, is_replay } = row;
            (transaction, event, ClaimedDelivery { delivery, attempt, is_replay, slot })
        });
        EventDeliveries::group(claimed).into_iter().for_each(|event| context.outbox.hand_over(event));
    }
}

impl SingleRequest for Claim {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<Self::Written> {
        // Exact, because the task that executes this also hands over what it has claimed.
        let running = batch.context.outbox.running().iter().map(|id| *id.as_uuid()).collect();
        let limit = i64::try_from(self.slots.len()).unwrap_or(i64::MAX);
        let rows = claim_deliveries(batch, self, running, limit).await?;
        Ok((rows.len(), rows))
    }
}

/// Claims due deliveries. `running` are those that run here already: even when their leases have ended by the clock, they
/// are not claimed twice.
pub(super) async fn claim_deliveries(
    BatchContext { session, offset, .. }: BatchContext<'_>,
    claim: &Claim,
    running: Vec<Uuid>,
    limit: i64,
) -> Result<Vec<ClaimedRow>> {
    let sql = select_claimable!(
        "WHERE d.state IN ('due', 'running') AND d.due_at <= $1 AND d.signal || ':' || d.receiver = ANY ($2) \
         AND d.id <> ALL ($3) ORDER BY d.due_at, d.id LIMIT $4 FOR UPDATE OF d SKIP LOCKED"
    );
    let values = values![offset.to_server(claim.now), claim.runnable.clone(), running, limit];
    let read = |row: &mut PostgresRow<'_>| {
        row.uuid()?;
        Ok((row.transaction()?, row.event()?, row.claimable()?))
    };
    let (found, mut damaged) = session.readable("athm_delivery", sql, values, read).await?;
    let transactions = found.iter().map(|(transaction, ..)| transaction.clone()).collect();
    let transactions = with_readable_details(session, transactions).await?;
    let transactions: HashMap<_, _> = transactions.into_iter().map(|detailed| (detailed.id, detailed)).collect();
    let mut claimed = Vec::with_capacity(found.len());
    for (transaction, event, (delivery, attempts, is_replay)) in found {
        match transactions.get(&transaction.id).cloned() {
            Some(transaction) => {
                claimed.push(ClaimedRow { transaction, event, delivery, attempt: attempts + 1, is_replay });
            }
            None => damaged.push(*delivery.id.as_uuid()),
        }
    }
    let mut statements = Statements::new();
    if !claimed.is_empty() {
        let sql = "UPDATE athm_delivery SET state = 'running', attempts = attempts + 1, due_at = $2, \
                   waits_for_customer = false WHERE id = ANY ($1)";
        let ids = column(&claimed, |row| *row.delivery.id.as_uuid());
        statements.push((sql, values![ids, offset.to_server(claim.lease_until)]));
    }
    if !damaged.is_empty() {
        let due_at = offset.to_server(later(claim.now, DAMAGED_PAUSE));
        statements.push(("UPDATE athm_delivery SET due_at = $2 WHERE id = ANY ($1)", values![damaged, due_at]));
    }
    session.execute_all(statements).await?;
    Ok(claimed)
}

/// Extends the leases of attempts that still run: a delivery that another attempt has is left alone.
pub(super) struct RenewLeases {
    pub(super) running: Vec<(DeliveryId, u32)>,
    pub(super) until: Timestamp,
}

impl Request for RenewLeases {
    type Written = ();
}

impl SingleRequest for RenewLeases {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<()> {
        // `d.id = ANY ($1)` repeats the join's condition: it makes the server use the index.
        let sql = "UPDATE athm_delivery d SET due_at = $3 FROM unnest($1::uuid[], $2::integer[]) AS held (id, attempt) \
                   WHERE d.id = held.id AND d.id = ANY ($1) AND d.attempts = held.attempt AND d.state = 'running'";
        let (ids, attempts): (Vec<_>, Vec<_>) =
            self.running.iter().map(|(id, attempt)| (*id.as_uuid(), integer(*attempt))).unzip();
        batch.session.execute(sql, values![ids, attempts, batch.offset.to_server(self.until)]).await.map(drop)
    }
}

impl Request for Acknowledgement {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(vec![self.id.to_string()])
    }
}

impl BatchedRequest for Acknowledgement {
    /// A success counts however late it comes; anything else only while that attempt runs.
    async fn execute_all(acknowledgements: &[&Self], batch: BatchContext<'_>) -> Result<Vec<WriteResult<()>>> {
        let sql = "UPDATE athm_delivery AS d SET state = ended.state, due_at = coalesce(ended.due_at, d.due_at), \
                   attempts = d.attempts - ended.uncounted, finished_at = coalesce(ended.finished_at, d.finished_at), \
                   error = CASE WHEN ended.state = 'succeeded' THEN NULL ELSE coalesce(ended.error, d.error) END \
                   FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::timestamptz[], $5::timestamptz[], \
                   $6::integer[], $7::text[]) AS ended (id, attempt, state, due_at, finished_at, uncounted, error) \
                   WHERE d.id = ended.id AND d.id = ANY ($1) \
                   AND (ended.state = 'succeeded' OR d.state = 'running' AND d.attempts = ended.attempt)";
        let updates: Vec<DeliveryUpdate<'_>> = column(acknowledgements, |acknowledgement| acknowledgement.update());
        let to_server = |at: Timestamp| batch.offset.to_server(at);
        let values = values![
            column(acknowledgements, |acknowledgement| *acknowledgement.id.as_uuid()),
            column(acknowledgements, |acknowledgement| integer(acknowledgement.attempt)),
            column(&updates, |update| update.state.as_str()),
            column(&updates, |update| update.due_at.map(to_server)),
            column(&updates, |update| update.finished_at.map(to_server)),
            column(&updates, |update| integer(update.uncounted)),
            column(&updates, |update| update.error.map(text)),
        ];
        batch.session.execute(sql, values).await?;
        Ok(acknowledgements.iter().map(|_| Ok(())).collect())
    }
}
