//! Claims, their renewal, and acknowledgements.
//!
//! One process has the file, so that no other process competes for a claim. Leases matter all the same: a delivery whose
//! task was lost, or whose acknowledgement couldn't be written, becomes due again when its lease ends.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::find::with_details;
use super::row::SqliteRow;
use super::statement::{execute, json, postpone, readable, readable_one};
use crate::models::{DeliveryId, Transaction};
use crate::outbox::{Acknowledgement, ClaimedDelivery, DeliveryUpdate, EventDeliveries};
use crate::store::row::{Columns, select_claimable};
use crate::store::{Claim, DamagedRows};

/// Claims due deliveries, and takes the claim's slots for them. `running` are those that run here already: even when
/// their leases have ended, they are not claimed twice.
///
/// A batch that fails is executed a second time. The slots are gone by then, so that the second execution claims
/// nothing, and the worker's next poll does.
pub(super) fn claim_deliveries(
    connection: &Connection,
    claim: &mut Claim,
    running: &[DeliveryId],
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<EventDeliveries>> {
    let sql = select_claimable!(
        "WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 \
         AND d.signal || ':' || d.receiver IN (SELECT value FROM json_each(?2)) \
         AND hex(d.id) NOT IN (SELECT value FROM json_each(?3)) ORDER BY d.due_at, d.id LIMIT ?4"
    );
    let running: Vec<String> = running.iter().map(|id| format!("{:X}", id.as_uuid().simple())).collect();
    let limit = i64::try_from(claim.slots.len()).unwrap_or(i64::MAX);
    let values = params![claim.now.as_microsecond(), json(&claim.runnable), json(&running), limit];
    let read = |row: &mut SqliteRow<'_>| {
        row.uuid()?;
        Ok((row.transaction()?, row.event()?, row.claimable()?))
    };
    let found = readable(connection, ("athm_delivery", damaged), sql, values, read)?;
    let mut unreadable = found.damaged;
    let claimed = found.rows.into_iter().zip(claim.slots.drain(..)).map(|((transaction, event, claimable), slot)| {
        let (delivery, attempts, is_replay) = claimable;
        (transaction, event, ClaimedDelivery { delivery, attempt: attempts + 1, is_replay, slot })
    });
    let mut groups = Vec::new();
    for mut group in EventDeliveries::group(claimed) {
        let id = *group.transaction.id.as_uuid();
        let detailed = with_details(connection, Transaction::clone(&group.transaction));
        let ids = group.deliveries.iter().map(|claimed| *claimed.id().as_uuid());
        match readable_one(("athm_transaction", damaged), &id, detailed)? {
            Some(transaction) => {
                let sql = "UPDATE athm_delivery SET state = 'running', attempts = attempts + 1, due_at = ?2, \
                           waits_for_customer = 0 WHERE id = ?1";
                let until = claim.lease_until.as_microsecond();
                ids.into_iter().try_for_each(|id| execute(connection, sql, params![id, until]))?;
                group.transaction = Arc::new(transaction);
                groups.push(group);
            }
            None => unreadable.extend(ids.map(|id| id.as_bytes().to_vec())),
        }
    }
    postpone(connection, "UPDATE athm_delivery SET due_at = ?2 WHERE id = ?1", &unreadable, claim.now)?;
    Ok(groups)
}

/// Extends leases, but only of attempts that still run: a delivery that another attempt has is left alone.
pub(super) fn renew_leases(
    connection: &Connection,
    running: &[(DeliveryId, u32)],
    until: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_delivery SET due_at = ?3 WHERE id = ?1 AND attempts = ?2 AND state = 'running'";
    let until = until.as_microsecond();
    running.iter().try_for_each(|(id, attempt)| execute(connection, sql, params![id.as_uuid(), attempt, until]))
}

/// Stores how an attempt ended. A success counts however late it comes; anything else only while that attempt runs.
pub(super) fn acknowledge(connection: &Connection, acknowledgement: &Acknowledgement) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_delivery SET state = ?3, due_at = coalesce(?4, due_at), \
               finished_at = coalesce(?5, finished_at), attempts = attempts - ?6, \
               error = CASE WHEN ?3 = 'succeeded' THEN NULL ELSE coalesce(?7, error) END \
               WHERE id = ?1 AND (?3 = 'succeeded' OR state = 'running' AND attempts = ?2)";
    let DeliveryUpdate { state, due_at, finished_at, uncounted, error } = acknowledgement.update();
    let [due_at, finished_at] = [due_at, finished_at].map(|at| at.map(Timestamp::as_microsecond));
    let (id, attempt) = (acknowledgement.id.as_uuid(), acknowledgement.attempt);
    execute(connection, sql, params![id, attempt, state.as_str(), due_at, finished_at, uncounted, error])
}
