//! Claims, their renewal, and acknowledgements.
//!
//! One process has the file, so that no other process competes for a claim. Leases matter all the same: a delivery whose
//! task was lost, or whose acknowledgement couldn't be written, becomes due again when its lease ends.

use std::iter::repeat_with;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::attempts;
use super::find::with_details;
use super::row::SqliteRow;
use super::statement::{Readable, execute, json, postpone, readable, readable_one};
use crate::models::{DeliveryId, Event, Transaction};
use crate::outbox::{
    Acknowledgement, AttemptKind, ClaimId, ClaimableDelivery, ClaimedDelivery, DeliveryUpdate, EventDeliveries,
    SuspectPermit,
};
use crate::store::row::{Columns, is_ordinary, is_suspect, select_claimable};
use crate::store::{Claim, DamagedRows};

/// `SELECT` for the due deliveries that meet a condition.
macro_rules! claimable {
    ($condition:expr) => {
        select_claimable!(concat!(
            "WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 AND ",
            $condition,
            " AND d.signal || ':' || d.receiver IN (SELECT value FROM json_each(?2)) ",
            "AND hex(d.id) NOT IN (SELECT value FROM json_each(?3)) ORDER BY d.due_at, d.id LIMIT ?4"
        ))
    };
}

/// Claims due deliveries, and takes the claim's slots for them: one suspect if none runs, then ordinary ones. `running` are
/// those that run here already: even when their leases have ended, they are not claimed twice.
///
/// A batch that fails is executed a second time. The slots are gone by then, so that the second execution claims
/// nothing, and the worker's next poll does.
pub(super) fn claim_deliveries(
    connection: &Connection,
    claim: &mut Claim,
    running: &[DeliveryId],
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<EventDeliveries>> {
    let limit = claim.slots.len();
    let mut found = Readable { rows: Vec::new(), damaged: Vec::new() };
    if claim.suspect.is_some() {
        let sql = claimable!(is_suspect!());
        found = due(connection, sql, claim, running, limit.min(1), damaged)?;
    }
    let ordinary = due(connection, claimable!(is_ordinary!()), claim, running, limit - found.rows.len(), damaged)?;
    found.rows.extend(ordinary.rows);
    let mut unreadable = [found.damaged, ordinary.damaged].concat();
    let permits = claim.suspect.take().into_iter().map(Some).chain(repeat_with(|| None));
    let claimed = found.rows.into_iter().zip(claim.slots.drain(..)).zip(permits).map(|((row, slot), permit)| {
        let (transaction, event, claimable) = row;
        let attempt = claimable.attempt(claim.id);
        let suspect = permit.filter(|_| attempt.is_suspect()).map(SuspectPermit::claimed);
        let ClaimableDelivery { delivery, is_replay, .. } = claimable;
        (transaction, event, ClaimedDelivery { delivery, attempt, is_replay, slot, suspect })
    });
    let mut groups = Vec::new();
    for mut group in EventDeliveries::group(claimed) {
        let id = *group.transaction.id.as_uuid();
        let detailed = with_details(connection, Transaction::clone(&group.transaction));
        match readable_one(("athm_transaction", damaged), &id, detailed)? {
            Some(transaction) => {
                group.deliveries.iter().try_for_each(|claimed| mark_running(connection, claimed, claim.lease_until))?;
                group.transaction = Arc::new(transaction);
                groups.push(group);
            }
            None => {
                let ids = group.deliveries.iter().map(ClaimedDelivery::id);
                unreadable.extend(ids.map(|id| id.as_uuid().as_bytes().to_vec()));
            }
        }
    }
    postpone(connection, "UPDATE athm_delivery SET due_at = ?2 WHERE id = ?1", &unreadable, claim.now)?;
    Ok(groups)
}

/// Due deliveries that this process can run, longest due first.
fn due(
    connection: &Connection,
    sql: &str,
    claim: &Claim,
    running: &[DeliveryId],
    limit: usize,
    damaged: &DamagedRows,
) -> rusqlite::Result<Readable<(Transaction, Event, ClaimableDelivery)>> {
    let running: Vec<String> = running.iter().map(|id| format!("{:X}", id.as_uuid().simple())).collect();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = params![claim.now.as_microsecond(), json(&claim.runnable), json(&running), limit];
    let read = |row: &mut SqliteRow<'_>| {
        row.uuid()?;
        Ok((row.transaction()?, row.event()?, row.claimable()?))
    };
    readable(connection, ("athm_delivery", damaged), sql, values, read)
}

/// A suspect's attempt counts from now on. A delivery that was left behind counts an interruption.
fn mark_running(connection: &Connection, claimed: &ClaimedDelivery, lease_until: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_delivery SET interruptions = interruptions + (state = 'running'), state = 'running', \
               claim = ?2, attempts = attempts + ?3, due_at = ?4, waits_for_customer = 0 WHERE id = ?1";
    let ClaimedDelivery { delivery, attempt, .. } = claimed;
    let spent = u32::from(attempt.kind == AttemptKind::Suspect);
    let values = params![delivery.id.as_uuid(), attempt.claim.as_uuid(), spent, lease_until.as_microsecond()];
    execute(connection, sql, values)
}

/// Extends the leases of claims that still run: a delivery that another claim has is left alone.
pub(super) fn renew_leases(
    connection: &Connection,
    running: &[(DeliveryId, ClaimId)],
    until: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_delivery SET due_at = ?3 WHERE id = ?1 AND claim = ?2 AND state = 'running'";
    let until = until.as_microsecond();
    running.iter().try_for_each(|(id, claim)| execute(connection, sql, params![id.as_uuid(), claim.as_uuid(), until]))
}

/// Stores how an attempt ended. A success counts however late it comes; anything else only while that claim runs.
pub(super) fn acknowledge(connection: &Connection, acknowledgement: &Acknowledgement) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_delivery SET state = ?3, due_at = coalesce(?4, due_at), \
               finished_at = coalesce(?5, finished_at), \
               attempts = CASE WHEN ?3 = 'succeeded' THEN max(attempts, ?6) ELSE ?6 END, \
               interruptions = interruptions * ?7 + ?8, waited_ms = waited_ms + ?10, \
               error = CASE WHEN ?3 = 'succeeded' THEN NULL ELSE coalesce(?9, error) END \
               WHERE id = ?1 AND (?3 = 'succeeded' OR state = 'running' AND claim = ?2)";
    let DeliveryUpdate { state, due_at, finished_at, attempts, interruptions, error, waits } = acknowledgement.update();
    let [due_at, finished_at] = [due_at, finished_at].map(|at| at.map(Timestamp::as_microsecond));
    let (id, claim) = (acknowledgement.id.as_uuid(), acknowledgement.attempt.claim.as_uuid());
    let (kept, added) = (interruptions.kept, interruptions.added);
    let waits = i64::try_from(waits.as_millis()).unwrap_or(i64::MAX);
    let values = params![id, claim, state.as_str(), due_at, finished_at, attempts, kept, added, error, waits];
    let changed = connection.prepare_cached(sql)?.execute(values)?;
    if changed == 0 { Ok(()) } else { attempts::insert(connection, acknowledgement) }
}
