//! The history of a delivery: its failed attempts, and a success after one.

use rusqlite::{Connection, params};

use super::statement::{execute, readable};
use crate::models::DeliveryId;
use crate::outbox::{Acknowledgement, AttemptRecord};
use crate::store::DamagedRows;
use crate::store::row::{Columns, select_attempt};
use crate::util::process;

pub(super) fn insert(connection: &Connection, acknowledgement: &Acknowledgement) -> rusqlite::Result<()> {
    let Some(history) = acknowledgement.history() else { return Ok(()) };
    // A success is stored only after a failure.
    let sql = "INSERT INTO athm_attempt (delivery_id, claim, number, started_at, ended_at, process, error) \
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?7 IS NOT NULL \
               OR EXISTS (SELECT 1 FROM athm_attempt WHERE delivery_id = ?1) ON CONFLICT DO NOTHING";
    let values = params![
        acknowledgement.id.as_uuid(),
        acknowledgement.attempt.claim.as_uuid(),
        acknowledgement.attempt.number,
        history.started_at.as_microsecond(),
        history.ended_at.as_microsecond(),
        process::name(),
        history.error,
    ];
    execute(connection, sql, values)
}

/// Oldest first: the identities of claims grow with time.
pub(super) fn list(
    connection: &Connection,
    of: DeliveryId,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<AttemptRecord>> {
    let sql = select_attempt!("WHERE delivery_id = ?1 ORDER BY claim");
    Ok(readable(connection, ("athm_attempt", damaged), sql, [of.as_uuid()], |row| row.attempt_record())?.rows)
}
