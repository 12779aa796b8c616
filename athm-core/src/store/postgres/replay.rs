//! Deliveries that are due again.

use super::deliveries::select_delivery;
use super::fault::Result;
use super::job::{BatchContext, Request, Single};
use super::session::{Values, values};
use crate::outbox::DeliveryRecord;
use crate::store::{ReplayError, ReplayMode, ReplayRequest, ReplayTarget};

impl Request for ReplayRequest {
    type Written = std::result::Result<Vec<DeliveryRecord>, ReplayError>;
}

impl Single for ReplayRequest {
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<Self::Written> {
        let (event, delivery) = match &self.what {
            ReplayTarget::Event(id) => (Some(*id.as_uuid()), None),
            ReplayTarget::Delivery(id) => (None, Some(*id.as_uuid())),
        };
        // Locked, so that of two who replay the same one makes what is missing and the other finds it.
        let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at FROM athm_event \
                   WHERE id = coalesce($1, (SELECT event_id FROM athm_delivery WHERE id = $2)) FOR UPDATE";
        let Some(event) = session.one(sql, values![event, delivery], |columns| columns.event()).await? else {
            return Ok(Err(ReplayError::NotFound));
        };
        let sql = select_delivery!("WHERE d.event_id = $1 ORDER BY d.id FOR UPDATE OF d");
        let known = session.all(sql, values![*event.id.as_uuid()], |columns| columns.delivery()).await?;
        let replayed = match self.decide(&event, &known, times.there(self.now)) {
            Ok(replayed) => replayed,
            Err(refused) => return Ok(Err(refused)),
        };
        if self.run == ReplayMode::Real {
            session.execute_all(replayed.iter().map(make_due).collect()).await?;
        }
        Ok(Ok(replayed))
    }
}

/// Makes it due, or makes it.
fn make_due(delivery: &DeliveryRecord) -> (&'static str, Values<'static>) {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES ($1, $2, $3, $4, 'due', 0, true, $5, $5) \
               ON CONFLICT (id) DO UPDATE SET state = 'due', attempts = 0, is_replay = true, due_at = excluded.due_at, \
               receiver = excluded.receiver, error = NULL, finished_at = NULL";
    let DeliveryRecord { id, event_id, signal, receiver, due_at, .. } = delivery;
    (sql, values![*id.as_uuid(), *event_id.as_uuid(), signal.as_str(), receiver.clone(), *due_at])
}
