//! Lists of deliveries, for people.

use jiff::Timestamp;

use super::fault::Result;
use super::request::{BatchContext, Request, SingleRequest};
use super::session::Session;
use super::values::{Values, storable, text, values};
use crate::outbox::{DeliveryRecord, DeliveryState};
use crate::store::delivery_query::matching_deliveries;
use crate::store::limits::MAX_LISTED;
use crate::store::row::{Columns, count_deliveries, select_delivery};
use crate::store::{DeliveryCounts, DeliveryPage, DeliveryQuery, DeliverySelection, DismissError, Dismissal};
use crate::util::clock::Clock;

pub(super) async fn list_deliveries(
    session: &Session,
    clock: &Clock,
    query: DeliverySelection,
) -> Result<Vec<DeliveryRecord>> {
    let (sql, values) = match query {
        DeliverySelection::One(id) => {
            let sql = select_delivery!("WHERE d.id = $1");
            return session.all(sql, values![*id.as_uuid()], |row| row.delivery()).await;
        }
        DeliverySelection::Dead => (
            select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT $1"),
            values![i64::from(MAX_LISTED)],
        ),
        DeliverySelection::Orphaned { due_before, runnable } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= $1 AND d.signal || ':' || d.receiver <> ALL ($2) \
                 ORDER BY d.due_at, d.id LIMIT $3"
            );
            (sql, values![session.clock_offset(clock).await?.to_server(due_before), runnable, i64::from(MAX_LISTED)])
        }
    };
    Ok(session.readable("athm_delivery", sql, values, |row| row.delivery()).await?.0)
}

pub(super) async fn list_matching(session: &Session, query: &DeliveryQuery) -> Result<DeliveryPage> {
    let sql = matching_deliveries!(query.access(), select_delivery, "ORDER BY d.id DESC LIMIT $8");
    let mut values = conditions(query);
    values.extend(values![i64::from(query.page_size()) + 1]);
    let (found, damaged) = session.readable("athm_delivery", sql, values, |row| row.delivery()).await?;
    Ok(DeliveryPage::of(found, damaged.len(), query.page_size()))
}

pub(super) async fn count(session: &Session, query: &DeliveryQuery) -> Result<DeliveryCounts> {
    let sql = matching_deliveries!(query.access(), count_deliveries, "GROUP BY d.state");
    Ok(session.all(sql, conditions(query), |row| row.delivery_count()).await?.into_iter().collect())
}

fn conditions(query: &DeliveryQuery) -> Values<'_> {
    values![
        query.state.map(DeliveryState::as_str),
        query.receiver.as_deref().map(text),
        query.signal.map(|signal| signal.as_str()),
        query.transaction.map(|id| *id.as_uuid()),
        storable(query.since.unwrap_or(Timestamp::MIN)),
        storable(query.until.unwrap_or(Timestamp::MAX)),
        query.before(),
    ]
}

impl Request for Dismissal {
    type Written = std::result::Result<DeliveryRecord, DismissError>;
}

impl SingleRequest for Dismissal {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Self::Written> {
        let id = *self.id.as_uuid();
        let sql = select_delivery!("WHERE d.id = $1 FOR UPDATE OF d");
        let Some(known) = session.one(sql, values![id], |row| row.delivery()).await? else {
            return Ok(Err(DismissError::NotFound));
        };
        if let Err(refused) = self.check(&known) {
            return Ok(Err(refused));
        }
        let sql = "UPDATE athm_delivery SET state = 'dismissed', dismissal = $2, finished_at = $3, \
                   waits_for_customer = false WHERE id = $1";
        session.execute(sql, values![id, text(&self.reason), offset.to_server(self.now)]).await?;
        let dismissed = session.one(sql_of_one(), values![id], |row| row.delivery()).await?;
        Ok(dismissed.ok_or(DismissError::NotFound))
    }
}

fn sql_of_one() -> &'static str {
    select_delivery!("WHERE d.id = $1")
}
