//! Lists of deliveries, for people.

use super::fault::Result;
use super::session::Session;
use super::values::values;
use crate::outbox::DeliveryRecord;
use crate::store::DeliveryQuery;
use crate::store::limits::MAX_LISTED;
use crate::store::row::{Columns, select_delivery};
use crate::util::clock::Clock;

pub(super) async fn list_deliveries(
    session: &Session,
    clock: &Clock,
    query: DeliveryQuery,
) -> Result<Vec<DeliveryRecord>> {
    let (sql, values) = match query {
        DeliveryQuery::One(id) => {
            let sql = select_delivery!("WHERE d.id = $1");
            return session.all(sql, values![*id.as_uuid()], |row| row.delivery()).await;
        }
        DeliveryQuery::Dead => (
            select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT $1"),
            values![i64::from(MAX_LISTED)],
        ),
        DeliveryQuery::Orphaned { due_before, runnable } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= $1 AND d.signal || ':' || d.receiver <> ALL ($2) \
                 ORDER BY d.due_at, d.id LIMIT $3"
            );
            (sql, values![session.clock_offset(clock).await?.to_server(due_before), runnable, i64::from(MAX_LISTED)])
        }
    };
    Ok(session.readable("athm_delivery", sql, values, |row| row.delivery()).await?.0)
}
