//! What runs here, and how it ended.

use jiff::Timestamp;

use super::fault::Result;
use super::job::{BatchContext, Batched, ConflictKeys, Request, Single, WriteResult};
use super::session::{column, integer, text, values};
use crate::models::DeliveryId;
use crate::outbox::{Acknowledgement, AttemptOutcome};

/// What runs here, to be held on to.
pub(super) struct Renewal {
    pub(super) running: Vec<(DeliveryId, u32)>,
    pub(super) until: Timestamp,
}

impl Request for Renewal {
    type Written = ();
}

impl Single for Renewal {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<()> {
        let sql = "UPDATE athm_delivery d SET due_at = $3 FROM unnest($1::uuid[], $2::integer[]) AS held (id, attempt) \
                   WHERE d.id = held.id AND d.id = ANY ($1) AND d.attempts = held.attempt AND d.state = 'running'";
        let (ids, attempts): (Vec<_>, Vec<_>) =
            self.running.iter().map(|(id, attempt)| (*id.as_uuid(), integer(*attempt))).unzip();
        batch.session.execute(sql, values![ids, attempts, batch.times.there(self.until)]).await.map(drop)
    }
}

impl Request for Acknowledgement {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(vec![self.id.to_string()])
    }
}

impl Batched for Acknowledgement {
    /// A success counts however late; anything else only of the last attempt, while it runs.
    async fn execute_all(ended: &[&Self], batch: BatchContext<'_>) -> Result<Vec<WriteResult<()>>> {
        let sql = "UPDATE athm_delivery AS d SET state = ended.state, due_at = coalesce(ended.due_at, d.due_at), \
                   attempts = d.attempts - ended.uncounted, finished_at = coalesce(ended.finished_at, d.finished_at), \
                   error = CASE WHEN ended.state = 'succeeded' THEN NULL ELSE coalesce(ended.error, d.error) END \
                   FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::timestamptz[], $5::timestamptz[], \
                   $6::integer[], $7::text[]) AS ended (id, attempt, state, due_at, finished_at, uncounted, error) \
                   WHERE d.id = ended.id AND d.id = ANY ($1) \
                   AND (ended.state = 'succeeded' OR d.state = 'running' AND d.attempts = ended.attempt)";
        let values = values![
            column(ended, |ended| *ended.id.as_uuid()),
            column(ended, |ended| integer(ended.attempt)),
            column(ended, |ended| match &ended.end {
                AttemptOutcome::Succeeded => "succeeded",
                AttemptOutcome::Failed { retry_at: None, .. } => "dead",
                AttemptOutcome::Failed { .. } | AttemptOutcome::Unstarted | AttemptOutcome::Abandoned => "due",
            }),
            column(ended, |Acknowledgement { at, end, .. }| match end {
                AttemptOutcome::Failed { retry_at, .. } => retry_at.map(|at| batch.times.there(at)),
                AttemptOutcome::Unstarted | AttemptOutcome::Abandoned => Some(batch.times.there(*at)),
                AttemptOutcome::Succeeded => None,
            }),
            column(ended, |Acknowledgement { at, end, .. }| match end {
                AttemptOutcome::Succeeded | AttemptOutcome::Failed { retry_at: None, .. } =>
                    Some(batch.times.there(*at)),
                AttemptOutcome::Failed { .. } | AttemptOutcome::Unstarted | AttemptOutcome::Abandoned => None,
            }),
            column(ended, |ended| i32::from(ended.end == AttemptOutcome::Unstarted)),
            column(ended, |ended| match &ended.end {
                AttemptOutcome::Failed { error, .. } => Some(text(error)),
                AttemptOutcome::Succeeded | AttemptOutcome::Unstarted | AttemptOutcome::Abandoned => None,
            }),
        ];
        batch.session.execute(sql, values).await?;
        Ok(ended.iter().map(|_| Ok(())).collect())
    }
}
