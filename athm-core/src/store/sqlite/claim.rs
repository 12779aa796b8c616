//! Claims, their renewal, and acknowledgements.
//!
//! One process has the file, so that no other process competes for a claim. Leases matter all the same: a delivery whose
//! task was lost, or whose acknowledgement couldn't be written, becomes due again when its lease ends.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::attempts;
use super::find::with_details;
use super::row::SqliteRow;
use super::statement::{Readable, execute, json, postpone, readable, readable_one};
use crate::models::{DeliveryId, Event, Transaction};
use crate::outbox::{
    Acknowledgement, Admission, ClaimId, ClaimKind, ClaimableDelivery, ClaimedDelivery, DeliveryUpdate,
    EventDeliveries, Outbox, SuspectPermit,
};
use crate::store::limits::candidates_of_each;
use crate::store::row::{Columns, is_ordinary, is_suspect, select_claimable};
use crate::store::{Claim, DamagedRows};

/// The due suspects, of which there are few. Without the index's name, SQLite takes the index of all due deliveries, and
/// reads the whole backlog.
pub(super) const SUSPECTS: &str = select_claimable!(concat!(
    "WHERE d.id IN (SELECT d.id FROM athm_delivery d INDEXED BY athm_delivery_interrupted ",
    "WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 AND ",
    is_suspect!(),
    " AND d.signal || ':' || d.receiver IN (SELECT value FROM json_each(?2)) ",
    "AND hex(d.id) NOT IN (SELECT value FROM json_each(?3)) ORDER BY d.due_at, d.id LIMIT ?4) ORDER BY d.due_at, d.id"
));

/// The ordinary due deliveries of one signal and receiver. The index has them in this order, and those that this process
/// can't run elsewhere, however many there are.
pub(super) const ORDINARY: &str = concat!(
    "SELECT d.id, d.due_at FROM athm_delivery d WHERE d.state IN ('due', 'running') AND d.due_at <= ?1 AND ",
    is_ordinary!(),
    " AND d.signal || ':' || d.receiver = ?2 ",
    "AND hex(d.id) NOT IN (SELECT value FROM json_each(?3)) ORDER BY d.due_at, d.id LIMIT ?4"
);

const CLAIMABLE: &str =
    select_claimable!("WHERE d.id IN (SELECT unhex(value) FROM json_each(?1)) ORDER BY d.due_at, d.id");

/// Claims due deliveries, and takes the claim's permits for them: one suspect if none runs, then ordinary ones. Those that run
/// here already are not claimed twice, even when their leases have ended.
///
/// A batch that fails is executed a second time. The permits are gone by then, so that the second execution claims
/// nothing, and the worker's next poll does.
pub(super) fn claim_deliveries(
    connection: &Connection,
    claim: &mut Claim,
    outbox: &Outbox,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<EventDeliveries>> {
    let (limit, running) = (claim.permits.len(), outbox.with_old_leases(claim.now));
    let mut found = Readable { rows: Vec::new(), damaged: Vec::new() };
    if claim.suspect.is_some() {
        found = due_suspects(connection, claim, &running, limit.min(1), damaged)?;
    }
    let ordinary = due_ordinary(connection, claim, &running, limit - found.rows.len(), (outbox, damaged))?;
    found.rows.extend(ordinary.rows);
    let mut unreadable = [found.damaged, ordinary.damaged].concat();
    let mut suspect = claim.suspect.take();
    let mut permits = claim.permits.drain(..);
    let claimed = found.rows.into_iter().filter_map(|(transaction, event, claimable)| {
        let limit = outbox.limits.claim(&claimable.delivery.receiver).ok()?;
        let admission = Admission { limit, permit: permits.next()? };
        let attempt = claimable.attempt(claim.id);
        let suspect = suspect.take_if(|_| attempt.is_suspect()).map(SuspectPermit::claimed);
        let ClaimableDelivery { delivery, is_replay, .. } = claimable;
        let claimed = ClaimedDelivery { delivery, attempt, is_replay, admission, suspect };
        Some((Arc::new(transaction), Arc::new(event), claimed))
    });
    let claimed = EventDeliveries::group(claimed, claim.now);
    drop(permits);
    let mut groups = Vec::new();
    for mut group in claimed {
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

/// Due suspects that this process can run, longest due first. There are few suspects, with an index of their own.
fn due_suspects(
    connection: &Connection,
    claim: &Claim,
    running: &[DeliveryId],
    limit: usize,
    damaged: &DamagedRows,
) -> rusqlite::Result<Readable<(Transaction, Event, ClaimableDelivery)>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = params![claim.now.as_microsecond(), json(&claim.runnable), json(&hex(running)), limit];
    readable(connection, ("athm_delivery", damaged), SUSPECTS, values, claimable)
}

/// Ordinary due deliveries that this process can run, of each receiver longest due first.
fn due_ordinary(
    connection: &Connection,
    claim: &Claim,
    running: &[DeliveryId],
    limit: usize,
    (outbox, damaged): (&Outbox, &DamagedRows),
) -> rusqlite::Result<Readable<(Transaction, Event, ClaimableDelivery)>> {
    let running = json(&hex(running));
    let due_of_each = |candidates: usize| {
        let mut due: Vec<(i64, Vec<u8>)> = Vec::new();
        let mut statement = connection.prepare_cached(ORDINARY)?;
        for key in &claim.runnable {
            let most = i64::try_from(outbox.claimable(key).min(candidates)).unwrap_or(i64::MAX);
            let values = params![claim.now.as_microsecond(), key, running, most];
            for delivery in statement.query_map(values, |row| Ok((row.get(1)?, row.get(0)?)))? {
                due.push(delivery?);
            }
        }
        Ok::<_, rusqlite::Error>(due)
    };
    let candidates = candidates_of_each(limit, claim.runnable.len());
    let mut due = due_of_each(candidates)?;
    if due.len() < limit && candidates < limit {
        // Either no more are due, or most are of few receivers.
        due = due_of_each(limit)?;
    }
    due.sort_unstable();
    due.truncate(limit);
    if due.is_empty() {
        return Ok(Readable { rows: Vec::new(), damaged: Vec::new() });
    }
    let ids: Vec<String> = due.iter().map(|(_, id)| id.iter().map(|byte| format!("{byte:02X}")).collect()).collect();
    readable(connection, ("athm_delivery", damaged), CLAIMABLE, [json(&ids)], claimable)
}

fn claimable(row: &mut SqliteRow<'_>) -> rusqlite::Result<(Transaction, Event, ClaimableDelivery)> {
    row.uuid()?;
    Ok((row.transaction()?, row.event()?, row.claimable()?))
}

fn hex(ids: &[DeliveryId]) -> Vec<String> {
    ids.iter().map(|id| format!("{:X}", id.as_uuid().simple())).collect()
}

/// A suspect's attempt counts from now on. A delivery that was left behind counts an interruption.
fn mark_running(connection: &Connection, claimed: &ClaimedDelivery, lease_until: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_delivery SET interruptions = interruptions + (state = 'running'), state = 'running', \
               claim = ?2, attempts = attempts + ?3, due_at = ?4, waits_for_customer = 0 WHERE id = ?1";
    let ClaimedDelivery { delivery, attempt, .. } = claimed;
    let spent = u32::from(attempt.kind == ClaimKind::Suspect);
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
