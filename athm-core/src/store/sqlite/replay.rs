//! Replays: deliveries that become due again.

use rusqlite::{Connection, params};

use super::statement::{all, execute, one};
use crate::outbox::DeliveryRecord;
use crate::store::row::{Columns, select_delivery, select_event};
use crate::store::{ReplayError, ReplayRequest, ReplayTarget, RunMode};

pub(super) fn replay(connection: &Connection, request: &ReplayRequest) -> Result<Vec<DeliveryRecord>, ReplayError> {
    let (event, delivery) = match &request.target {
        ReplayTarget::Event(id) => (Some(*id.as_uuid()), None),
        ReplayTarget::Delivery(id) => (None, Some(*id.as_uuid())),
    };
    let sql = select_event!("WHERE e.id = coalesce(?1, (SELECT event_id FROM athm_delivery WHERE id = ?2))");
    let event = one(connection, sql, params![event, delivery], |row| row.event())?.ok_or(ReplayError::NotFound)?;
    let known = all(connection, select_delivery!("WHERE d.event_id = ?1"), [event.id.as_uuid()], |row| row.delivery())?;
    let replayed = request.decide(&event, &known, request.now)?;
    if request.mode == RunMode::Real {
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
