//! What runs here, and how it ended.

use jiff::Timestamp;

use super::fault::Result;
use super::job::{About, Batched, Outcome, Request, Single, Turn};
use super::session::{column, integer, text, values};
use crate::models::DeliveryId;
use crate::outbox::{End, Ended};

/// What runs here, to be held on to.
pub(super) struct Renewal {
    pub(super) running: Vec<(DeliveryId, u32)>,
    pub(super) until: Timestamp,
}

impl Request for Renewal {
    type Written = ();
}

impl Single for Renewal {
    async fn execute(&self, turn: Turn<'_>) -> Result<()> {
        let sql = "UPDATE athm_delivery d SET due_at = $3 FROM unnest($1::uuid[], $2::integer[]) AS held (id, attempt) \
                   WHERE d.id = held.id AND d.id = ANY ($1) AND d.attempts = held.attempt AND d.state = 'running'";
        let (ids, attempts): (Vec<_>, Vec<_>) =
            self.running.iter().map(|(id, attempt)| (*id.as_uuid(), integer(*attempt))).unzip();
        turn.session.execute(sql, values![ids, attempts, turn.times.there(self.until)]).await.map(drop)
    }
}

impl Request for Ended {
    type Written = ();

    fn about(&self) -> About {
        About::These(vec![self.id.to_string()])
    }
}

impl Batched for Ended {
    /// A success counts however late; anything else only of the last attempt, while it runs.
    async fn execute_all(ended: &[&Self], turn: Turn<'_>) -> Result<Vec<Outcome<()>>> {
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
                End::Succeeded => "succeeded",
                End::Failed { retry_at: None, .. } => "dead",
                End::Failed { .. } | End::Unstarted | End::Abandoned => "due",
            }),
            column(ended, |Ended { at, end, .. }| match end {
                End::Failed { retry_at, .. } => retry_at.map(|at| turn.times.there(at)),
                End::Unstarted | End::Abandoned => Some(turn.times.there(*at)),
                End::Succeeded => None,
            }),
            column(ended, |Ended { at, end, .. }| match end {
                End::Succeeded | End::Failed { retry_at: None, .. } => Some(turn.times.there(*at)),
                End::Failed { .. } | End::Unstarted | End::Abandoned => None,
            }),
            column(ended, |ended| i32::from(ended.end == End::Unstarted)),
            column(ended, |ended| match &ended.end {
                End::Failed { error, .. } => Some(text(error)),
                End::Succeeded | End::Unstarted | End::Abandoned => None,
            }),
        ];
        turn.session.execute(sql, values).await?;
        Ok(ended.iter().map(|_| Ok(())).collect())
    }
}
