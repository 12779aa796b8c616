//! Replays: deliveries that become due again.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::polls;
use super::statement::{execute, one, readable};
use crate::outbox::DeliveryRecord;
use crate::store::poll::PollPlan;
use crate::store::replay::CustomerKnowledge;
use crate::store::row::{Columns, select_delivery, select_event};
use crate::store::{DamagedRows, PollLane, ReplayError, ReplayRequest, ReplayTarget, RunMode};

/// The event's other deliveries are needed as far as they can be read.
pub(super) fn replay(
    connection: &Connection,
    request: &ReplayRequest,
    damaged: &DamagedRows,
) -> Result<Vec<DeliveryRecord>, ReplayError> {
    let (event, delivery) = match &request.target {
        ReplayTarget::Event(id) => (Some(*id.as_uuid()), None),
        ReplayTarget::Delivery(id) => (None, Some(*id.as_uuid())),
    };
    let sql = select_event!("WHERE e.id = coalesce(?1, (SELECT event_id FROM athm_delivery WHERE id = ?2))");
    let event = one(connection, sql, params![event, delivery], |row| row.event())?.ok_or(ReplayError::NotFound)?;
    if let Some(id) = delivery {
        // It is what is asked for: an error if it can't be read.
        one(connection, select_delivery!("WHERE d.id = ?1"), [id], |row| row.delivery())?;
    }
    let (of, sql) = (("athm_delivery", damaged), select_delivery!("WHERE d.event_id = ?1"));
    let known = readable(connection, of, sql, [event.id.as_uuid()], |row| row.delivery())?.rows;
    let sql = "SELECT EXISTS (SELECT 1 FROM athm_customer WHERE transaction_id = ?1)";
    let customer = one(connection, sql, [event.transaction_id.as_uuid()], |row| row.boolean())?.unwrap_or(false);
    let replayed = request.decide(&event, &known, CustomerKnowledge::known_if(customer), request.now)?;
    if request.mode == RunMode::Real {
        for DeliveryRecord { id, event_id, signal, receiver, due_at, waits_for_customer, .. } in &replayed {
            let sql = "INSERT INTO athm_delivery \
                       (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at, \
                       waits_for_customer) VALUES (?1, ?2, ?3, ?4, 'due', 0, 1, ?5, ?7, ?6) \
                       ON CONFLICT (id) DO UPDATE SET state = 'due', attempts = 0, interruptions = 0, waited_ms = 0, \
                       is_replay = 1, \
                       due_at = excluded.due_at, receiver = excluded.receiver, error = NULL, dismissal = NULL, finished_at = NULL, \
                       waits_for_customer = excluded.waits_for_customer";
            let (id, event_id, due_at) = (id.as_uuid(), event_id.as_uuid(), due_at.as_microsecond());
            let created_at = request.now.as_microsecond();
            let values = params![id, event_id, signal.as_str(), receiver, due_at, waits_for_customer, created_at];
            execute(connection, sql, values)?;
            // If it is dead again, that is reported again.
            execute(connection, "DELETE FROM athm_alert WHERE kind = 'dead_delivery' AND id = ?1", [id])?;
        }
        if replayed.iter().any(|delivery| delivery.waits_for_customer) {
            let search = PollPlan::In(Duration::ZERO, PollLane::Customer);
            polls::plan(connection, event.transaction_id, search, request.now)?;
        }
    }
    Ok(replayed)
}
