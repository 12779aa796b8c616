//! Deliveries to show to a person.

use rusqlite::{Connection, params};

use super::SOME;
use super::row::Columns;
use super::statement::{all, json};
use crate::outbox::DeliveryRecord;
use crate::store::DeliveryQuery;

macro_rules! select_delivery {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.event_id, e.transaction_id, d.signal, d.receiver, d.state, d.attempts, d.is_replay, d.due_at, ",
            "d.error FROM athm_delivery d JOIN athm_event e ON e.id = d.event_id ",
            $rest
        )
    };
}
pub(super) use select_delivery;

pub(super) fn deliveries(connection: &Connection, which: &DeliveryQuery) -> rusqlite::Result<Vec<DeliveryRecord>> {
    let read = |columns: &mut Columns<'_>| columns.delivery();
    match which {
        DeliveryQuery::One(id) => all(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], read),
        DeliveryQuery::Dead => {
            let sql = select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT ?1");
            all(connection, sql, [SOME], read)
        }
        DeliveryQuery::Orphaned { due_before, runnable } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 \
                 AND d.signal || ':' || d.receiver NOT IN (SELECT value FROM json_each(?2)) ORDER BY d.due_at, d.id LIMIT ?3"
            );
            all(connection, sql, params![due_before.as_microsecond(), json(runnable), SOME], read)
        }
    }
}
