//! Lists of deliveries, for people.

use rusqlite::{Connection, params};

use super::row::SqliteRow;
use super::statement::{all, json};
use crate::outbox::DeliveryRecord;
use crate::store::DeliveryQuery;
use crate::store::limits::MAX_LISTED;
use crate::store::row::{Columns, select_delivery};

pub(super) fn list_deliveries(connection: &Connection, query: &DeliveryQuery) -> rusqlite::Result<Vec<DeliveryRecord>> {
    let read = |row: &mut SqliteRow<'_>| row.delivery();
    match query {
        DeliveryQuery::One(id) => all(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], read),
        DeliveryQuery::Dead => {
            let sql = select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT ?1");
            all(connection, sql, [MAX_LISTED], read)
        }
        DeliveryQuery::Orphaned { due_before, runnable } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 \
                 AND d.signal || ':' || d.receiver NOT IN (SELECT value FROM json_each(?2)) \
                 ORDER BY d.due_at, d.id LIMIT ?3"
            );
            all(connection, sql, params![due_before.as_microsecond(), json(runnable), MAX_LISTED], read)
        }
    }
}
