//! Deliveries as they are shown.

use super::fault::Result;
use super::session::{Session, values};
use crate::outbox::DeliveryRecord;
use crate::store::DeliveryQuery;
use crate::util::clock::Clock;

/// How many are shown.
const SOME: i64 = 1_000;

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

pub(super) async fn deliveries(session: &Session, clock: &Clock, which: DeliveryQuery) -> Result<Vec<DeliveryRecord>> {
    let (sql, values) = match which {
        DeliveryQuery::One(id) => (select_delivery!("WHERE d.id = $1"), values![*id.as_uuid()]),
        DeliveryQuery::Dead => {
            (select_delivery!("WHERE d.state = 'dead' ORDER BY d.finished_at DESC, d.id DESC LIMIT $1"), values![SOME])
        }
        DeliveryQuery::Orphaned { due_before, runnable } => {
            let sql = select_delivery!(
                "WHERE d.state IN ('due', 'running') AND d.due_at <= $1 AND d.signal || ':' || d.receiver <> ALL ($2) \
                 ORDER BY d.due_at, d.id LIMIT $3"
            );
            (sql, values![session.times(clock).await?.there(due_before), runnable, SOME])
        }
    };
    session.all(sql, values, |columns| columns.delivery()).await
}
