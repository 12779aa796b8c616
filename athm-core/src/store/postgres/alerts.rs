//! Alerts: the rows of `athm_alert`, made of problems.

use jiff::Timestamp;

use super::fault::Result;
use super::request::{BatchContext, Request, SingleRequest};
use super::session::Session;
use super::values::{storable, text, values};
use crate::store::alert::{MAX_ALERTS, id_of};
use crate::store::problem::{HAS_NEW_ALERTS, INSERT_ALERTS};
use crate::store::row::{Columns, alert_columns};
use crate::store::{Alert, AlertClaim, AlertOutcome, ProblemKind, Reported};
use crate::util::clock::Clock;

pub(super) async fn has_due_alerts(
    session: &Session,
    clock: &Clock,
    (now, refunds_before): (Timestamp, Timestamp),
) -> Result<bool> {
    let now = session.clock_offset(clock).await?.to_server(now);
    let found = session.one(HAS_NEW_ALERTS, values![storable(refunds_before), now], |row| row.boolean()).await?;
    Ok(found.unwrap_or(false))
}

impl Request for AlertClaim {
    type Written = Vec<Alert>;
}

impl SingleRequest for AlertClaim {
    /// Inserts the alerts of new problems, and claims what is due.
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Vec<Alert>> {
        let (now, until) = (offset.to_server(self.now), offset.to_server(self.lease_until));
        let limit = i64::from(MAX_ALERTS);
        session.execute(INSERT_ALERTS, values![storable(self.refunds_before), now, limit]).await?;
        for row in &self.damaged {
            let sql = "INSERT INTO athm_alert (kind, id, place, detail, created_at, attempts, due_at) \
                       VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT DO NOTHING";
            let (kind, detail) = (ProblemKind::DamagedRow.to_string(), format!("{}: {}", row.table, row.reason));
            let values = values![kind, id_of(row), row.table, text(detail), storable(row.found_at), now];
            session.execute(sql, values).await?;
        }
        // `ARRAY (…)` would be evaluated once as well; the key has three columns.
        let sql = concat!(
            "UPDATE athm_alert SET attempts = attempts + 1, due_at = $2 FROM (SELECT kind, id, place FROM athm_alert ",
            "WHERE reported_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due ",
            "WHERE athm_alert.kind = due.kind AND athm_alert.id = due.id AND athm_alert.place = due.place RETURNING ",
            alert_columns!()
        );
        Ok(session.readable("athm_alert", sql, values![now, until, limit], |row| row.alert()).await?.0)
    }
}

impl Request for AlertOutcome {
    type Written = ();
}

impl SingleRequest for AlertOutcome {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<()> {
        let (sql, at) = match self.result {
            Reported::At(at) => {
                ("UPDATE athm_alert SET reported_at = $4 WHERE kind = $1 AND id = $2 AND place = $3", at)
            }
            Reported::RetryAt(at) => {
                ("UPDATE athm_alert SET due_at = $4 WHERE kind = $1 AND id = $2 AND place = $3", at)
            }
        };
        let values = values![self.kind.to_string(), self.id, self.place.as_str(), offset.to_server(at)];
        session.execute(sql, values).await.map(drop)
    }
}
