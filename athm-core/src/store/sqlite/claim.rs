//! Claiming what is due.

use std::sync::Arc;

use rusqlite::{Connection, params};
use tracing::Span;

use super::find::{filled, select_transaction};
use super::statement::{all, execute, json};
use crate::models::DeliveryId;
use crate::outbox::{ClaimedDelivery, EventDeliveries};
use crate::store::Claim;

/// Takes the claim's slots. If it has to be written again they are gone, and it claims nothing: the next one does.
pub(super) fn claim_due(
    connection: &Connection,
    claim: &mut Claim,
    running: &[DeliveryId],
) -> rusqlite::Result<Vec<EventDeliveries>> {
    let sql = select_transaction!(
        ", e.id, e.transaction_id, e.transition, e.refund_amount, e.sender, e.rejection, e.created_at, \
         d.id, d.signal, d.receiver, d.attempts, d.is_replay FROM athm_delivery d \
         JOIN athm_event e ON e.id = d.event_id JOIN athm_transaction t ON t.id = e.transaction_id \
         WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 AND d.signal || ':' || d.receiver IN (SELECT value FROM json_each(?2)) \
         AND hex(d.id) NOT IN (SELECT value FROM json_each(?3)) ORDER BY d.due_at, d.id LIMIT ?4"
    );
    let running: Vec<String> = running.iter().map(|id| format!("{:X}", id.as_uuid().simple())).collect();
    let most = i64::try_from(claim.slots.len()).unwrap_or(i64::MAX);
    let values = params![claim.now.as_microsecond(), json(&claim.runnable), json(&running), most];
    let rows = all(connection, sql, values, |columns| {
        Ok((columns.transaction()?, columns.event()?, columns.planned()?, columns.attempts()?))
    })?;
    let mut works = Vec::<EventDeliveries>::new();
    for ((transaction, event, planned, (attempts, is_replay)), slot) in rows.into_iter().zip(claim.slots.drain(..)) {
        let sql = "UPDATE athm_delivery SET state = 'running', attempts = attempts + 1, due_at = ?2 WHERE id = ?1";
        execute(connection, sql, params![planned.id.as_uuid(), claim.lease_until.as_microsecond()])?;
        let claimed = ClaimedDelivery { planned, attempt: attempts + 1, is_replay, slot };
        match works.iter_mut().find(|work| work.event.id == event.id) {
            Some(work) => work.deliveries.push(claimed),
            None => works.push(EventDeliveries {
                transaction: Arc::new(filled(connection, transaction)?),
                event: Arc::new(event),
                deliveries: vec![claimed],
                span: Span::none(),
            }),
        }
    }
    Ok(works)
}
