//! Deliveries that are due again.

use rusqlite::{Connection, params};

use super::deliveries::select_delivery;
use super::statement::{all, execute, one};
use crate::outbox::DeliveryRecord;
use crate::store::{ReplayError, ReplayMode, ReplayRequest, ReplayTarget};

pub(super) fn replay(connection: &Connection, of: &ReplayRequest) -> Result<Vec<DeliveryRecord>, ReplayError> {
    let (event, delivery) = match &of.what {
        ReplayTarget::Event(id) => (Some(*id.as_uuid()), None),
        ReplayTarget::Delivery(id) => (None, Some(*id.as_uuid())),
    };
    let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at FROM athm_event \
               WHERE id = coalesce(?1, (SELECT event_id FROM athm_delivery WHERE id = ?2))";
    let event =
        one(connection, sql, params![event, delivery], |columns| columns.event())?.ok_or(ReplayError::NotFound)?;
    let known =
        all(connection, select_delivery!("WHERE d.event_id = ?1"), [event.id.as_uuid()], |columns| columns.delivery())?;
    let replayed = of.decide(&event, &known, of.now)?;
    if of.run == ReplayMode::Real {
        for DeliveryRecord { id, event_id, signal, receiver, due_at, .. } in &replayed {
            let sql = "INSERT INTO athm_delivery \
                       (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
                       VALUES (?1, ?2, ?3, ?4, 'due', 0, 1, ?5, ?5) \
                       ON CONFLICT (id) DO UPDATE SET state = 'due', attempts = 0, is_replay = 1, \
                       due_at = excluded.due_at, receiver = excluded.receiver, error = NULL, finished_at = NULL";
            let (id, event_id, due_at) = (id.as_uuid(), event_id.as_uuid(), due_at.as_microsecond());
            execute(connection, sql, params![id, event_id, signal.as_str(), receiver, due_at])?;
        }
    }
    Ok(replayed)
}
