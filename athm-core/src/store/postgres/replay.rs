//! Replays: deliveries that become due again.

use super::fault::Result;
use super::request::{BatchContext, Request, SingleRequest};
use super::values::{Values, values};
use crate::outbox::DeliveryRecord;
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
        let known = session.all(sql, values![*event.id.as_uuid()], |row| row.delivery()).await?;
        let replayed = match self.decide(&event, &known, offset.to_server(self.now)) {
            Ok(replayed) => replayed,
            Err(refused) => return Ok(Err(refused)),
        };
        if self.mode == RunMode::Real {
            session.execute_all(replayed.iter().map(make_due).collect()).await?;
        }
        Ok(Ok(replayed))
    }
}

/// Inserts a delivery as due, or makes the one that exists due again.
fn make_due(delivery: &DeliveryRecord) -> (&'static str, Values<'static>) {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES ($1, $2, $3, $4, 'due', 0, true, $5, $5) \
               ON CONFLICT (id) DO UPDATE SET state = 'due', attempts = 0, is_replay = true, due_at = excluded.due_at, \
               receiver = excluded.receiver, error = NULL, finished_at = NULL";
    let DeliveryRecord { id, event_id, signal, receiver, due_at, .. } = delivery;
    (sql, values![*id.as_uuid(), *event_id.as_uuid(), signal.as_str(), receiver.clone(), *due_at])
}
