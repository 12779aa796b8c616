//! Alerts: the rows of `athm_alert`, made of problems.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::statement::{execute, one, readable};
use crate::store::alert::{MAX_ALERTS, id_of};
use crate::store::problem::{HAS_NEW_ALERTS, INSERT_ALERTS};
use crate::store::row::{Columns, alert_columns};
use crate::store::{Alert, AlertClaim, AlertOutcome, DamagedRow, DamagedRows, ProblemKind, Reported};

pub(super) fn has_due_alerts(
    connection: &Connection,
    now: Timestamp,
    refunds_before: Timestamp,
) -> rusqlite::Result<bool> {
    let values = params![refunds_before.as_microsecond(), now.as_microsecond()];
    Ok(one(connection, HAS_NEW_ALERTS, values, |row| row.boolean())?.unwrap_or(false))
}

/// Inserts the alerts of new problems, and claims what is due.
pub(super) fn claim_alerts(
    connection: &Connection,
    claim: &AlertClaim,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<Alert>> {
    let (now, until) = (claim.now.as_microsecond(), claim.lease_until.as_microsecond());
    execute(connection, INSERT_ALERTS, params![claim.refunds_before.as_microsecond(), now, MAX_ALERTS])?;
    for row in &claim.damaged {
        let DamagedRow { table, reason, .. } = row;
        let sql = "INSERT INTO athm_alert (kind, id, place, detail, created_at, attempts, due_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6) ON CONFLICT DO NOTHING";
        let (kind, detail) = (ProblemKind::DamagedRow.to_string(), format!("{table}: {reason}"));
        execute(connection, sql, params![kind, id_of(row), table, detail, row.found_at.as_microsecond(), now])?;
    }
    let sql = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM athm_alert WHERE reported_at IS NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2"
    );
    let mut claimed = readable(connection, ("athm_alert", damaged), sql, params![now, MAX_ALERTS], |row| row.alert())?;
    for alert in &mut claimed.rows {
        alert.attempt += 1;
        let sql =
            "UPDATE athm_alert SET attempts = attempts + 1, due_at = ?4 WHERE kind = ?1 AND id = ?2 AND place = ?3";
        execute(connection, sql, params![alert.kind.to_string(), alert.id, alert.place, until])?;
    }
    Ok(claimed.rows)
}

pub(super) fn finish_alert(connection: &Connection, outcome: &AlertOutcome) -> rusqlite::Result<()> {
    let AlertOutcome { kind, id, place, result } = outcome;
    let (sql, at) = match result {
        Reported::At(at) => ("UPDATE athm_alert SET reported_at = ?4 WHERE kind = ?1 AND id = ?2 AND place = ?3", at),
        Reported::RetryAt(at) => ("UPDATE athm_alert SET due_at = ?4 WHERE kind = ?1 AND id = ?2 AND place = ?3", at),
    };
    execute(connection, sql, params![kind.to_string(), id, place, at.as_microsecond()])
}
