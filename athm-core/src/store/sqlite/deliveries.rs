//! Lists of deliveries, for people.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::row::SqliteRow;
use super::statement::{all, execute, json, one, readable};
use crate::outbox::{DeliveryRecord, DeliveryState};
use crate::store::delivery_query::matching_deliveries;
use crate::store::limits::MAX_LISTED;
use crate::store::row::{Columns, count_deliveries, select_delivery};
use crate::store::{
    DamagedRows, DeliveryCounts, DeliveryPage, DeliveryQuery, DeliverySelection, DismissError, Dismissal, StoreError,
};

pub(super) fn list_deliveries(
    connection: &Connection,
    query: &DeliverySelection,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<DeliveryRecord>> {
    let of = ("athm_delivery", damaged);
    let read = |row: &mut SqliteRow<'_>| row.delivery();
    match query {
        DeliverySelection::One(id) => all(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], read),
        DeliverySelection::Dead => {
            let sql = select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT ?1");
            Ok(readable(connection, of, sql, [MAX_LISTED], read)?.rows)
        }
        DeliverySelection::Orphaned { due_before, runnable } => {
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

pub(super) fn list_matching(
    connection: &Connection,
    query: &DeliveryQuery,
    damaged: &DamagedRows,
) -> rusqlite::Result<DeliveryPage> {
    let sql = matching_deliveries!(query.access(), select_delivery, "ORDER BY d.id DESC LIMIT $8");
    let (since, until) = times(query);
    let values = params![
        query.state.map(DeliveryState::as_str),
        query.receiver,
        query.signal.map(|signal| signal.as_str()),
        query.transaction.map(|id| *id.as_uuid()),
        since,
        until,
        query.before(),
        query.page_size() + 1
    ];
    let found = readable(connection, ("athm_delivery", damaged), sql, values, |row| row.delivery())?;
    Ok(DeliveryPage::of(found.rows, found.damaged.len(), query.page_size()))
}

pub(super) fn count(connection: &Connection, query: &DeliveryQuery) -> rusqlite::Result<DeliveryCounts> {
    let sql = matching_deliveries!(query.access(), count_deliveries, "GROUP BY d.state");
    let (since, until) = times(query);
    let values = params![
        query.state.map(DeliveryState::as_str),
        query.receiver,
        query.signal.map(|signal| signal.as_str()),
        query.transaction.map(|id| *id.as_uuid()),
        since,
        until,
        query.before()
    ];
    Ok(all(connection, sql, values, |row| row.delivery_count())?.into_iter().collect())
}

fn times(query: &DeliveryQuery) -> (i64, i64) {
    let since = query.since.map_or(i64::MIN, Timestamp::as_microsecond);
    (since, query.until.map_or(i64::MAX, Timestamp::as_microsecond))
}

pub(super) fn dismiss(connection: &Connection, dismissal: &Dismissal) -> Result<DeliveryRecord, DismissError> {
    let Dismissal { id, reason, now } = dismissal;
    let find = || one(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], |row| row.delivery());
    let known = find().map_err(StoreError::from)?.ok_or(DismissError::NotFound)?;
    dismissal.check(&known)?;
    let sql = "UPDATE athm_delivery SET state = 'dismissed', dismissal = ?2, finished_at = ?3, waits_for_customer = 0 \
               WHERE id = ?1";
    let values = params![id.as_uuid(), reason, now.as_microsecond()];
    execute(connection, sql, values).map_err(StoreError::from)?;
    find().map_err(StoreError::from)?.ok_or(DismissError::NotFound)
}
