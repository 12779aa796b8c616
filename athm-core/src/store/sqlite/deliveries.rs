//! Lists of deliveries, for people.

use rusqlite::{Connection, params};

use super::row::SqliteRow;
use super::statement::{all, json, readable};
use crate::outbox::DeliveryRecord;
use crate::store::limits::MAX_LISTED;
use crate::store::row::{Columns, select_delivery};
use crate::store::{DamagedRows, DeliveryQuery};

pub(super) fn list_deliveries(
    connection: &Connection,
    query: &DeliveryQuery,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<DeliveryRecord>> {
    let of = ("athm_delivery", damaged);
    let read = |row: &mut SqliteRow<'_>| row.delivery();
    match query {
        DeliveryQuery::One(id) => all(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], read),
        DeliveryQuery::Dead => {
            let sql = select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT ?1");
            Ok(readable(connection, of, sql, [MAX_LISTED], read)?.rows)
        }
        DeliveryQuery::Orphaned { due_before, runnable } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 \
                 AND d.signal || ':' || d.receiver NOT IN (SELECT value FROM json_each(?2)) \
                 ORDER BY d.due_at, d.id LIMIT ?3"
            );
            let values = params![due_before.as_microsecond(), json(runnable), MAX_LISTED];
            Ok(readable(connection, of, sql, values, read)?.rows)
        }
    }
}
