//! Replays: deliveries that become due again.

use jiff::Timestamp;

use super::fault::Result;
use super::polls::search_customer;
use super::request::{BatchContext, Request, SingleRequest};
use super::values::{Statements, Values, values};
use crate::outbox::DeliveryRecord;
use crate::store::replay::CustomerKnowledge;
use crate::store::row::{Columns, select_delivery, select_event};
use crate::store::{ReplayError, ReplayRequest, ReplayTarget, RunMode};

impl Request for ReplayRequest {
    type Written = std::result::Result<Vec<DeliveryRecord>, ReplayError>;
}

impl SingleRequest for ReplayRequest {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Self::Written> {
        let (event, delivery) = match &self.target {
            ReplayTarget::Event(id) => (Some(*id.as_uuid()), None),
            ReplayTarget::Delivery(id) => (None, Some(*id.as_uuid())),
        };
        // The lock makes concurrent replays of one event take turns: the second finds the deliveries of the first.
        let sql =
            select_event!("WHERE e.id = coalesce($1, (SELECT event_id FROM athm_delivery WHERE id = $2)) FOR UPDATE");
        let Some(event) = session.one(sql, values![event, delivery], |row| row.event()).await? else {
            return Ok(Err(ReplayError::NotFound));
        };
        let sql = select_delivery!("WHERE d.event_id = $1 ORDER BY d.id FOR UPDATE OF d");
        // The event's other deliveries are needed as far as they can be read.
        let of = values![*event.id.as_uuid()];
        let (known, damaged) = session.readable("athm_delivery", sql, of, |row| row.delivery()).await?;
        if let Some(id) = delivery.filter(|id| damaged.contains(id)) {
            let sql = select_delivery!("WHERE d.id = $1");
            session.one(sql, values![id], |row| row.delivery()).await?;
        }
        let now = offset.to_server(self.now);
        let sql = "SELECT EXISTS (SELECT 1 FROM athm_customer WHERE transaction_id = $1)";
        let customer = session.one(sql, values![*event.transaction_id.as_uuid()], |row| row.boolean()).await?;
        let customer = CustomerKnowledge::known_if(customer.unwrap_or(false));
        let replayed = match self.decide(&event, &known, customer, now) {
            Ok(replayed) => replayed,
            Err(refused) => return Ok(Err(refused)),
        };
        if self.mode == RunMode::Real {
            let mut statements: Statements<'_> = replayed.iter().map(|delivery| make_due(delivery, now)).collect();
            if replayed.iter().any(|delivery| delivery.waits_for_customer) {
                search_customer(&mut statements, event.transaction_id, now);
            }
            // If one is dead again, that is reported again.
            let ids: Vec<_> = replayed.iter().map(|delivery| *delivery.id.as_uuid()).collect();
            statements.push(("DELETE FROM athm_alert WHERE kind = 'dead_delivery' AND id = ANY ($1)", values![ids]));
            session.execute_all(statements).await?;
        }
        Ok(Ok(replayed))
    }
}

/// Inserts a delivery as due, or makes the one that exists due again.
fn make_due(delivery: &DeliveryRecord, now: Timestamp) -> (&'static str, Values<'static>) {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at, \
               waits_for_customer) VALUES ($1, $2, $3, $4, 'due', 0, true, $5, $7, $6) \
               ON CONFLICT (id) DO UPDATE SET state = 'due', attempts = 0, interruptions = 0, waited_ms = 0, \
               is_replay = true, \
               due_at = excluded.due_at, receiver = excluded.receiver, error = NULL, dismissal = NULL, finished_at = NULL, \
               waits_for_customer = excluded.waits_for_customer";
    let DeliveryRecord { id, event_id, signal, receiver, due_at, waits_for_customer, .. } = delivery;
    let (id, event_id, receiver) = (*id.as_uuid(), *event_id.as_uuid(), receiver.clone());
    (sql, values![id, event_id, signal.as_str(), receiver, *due_at, *waits_for_customer, now])
}
