//! What runs here, and how it ended.

use jiff::Timestamp;

use super::fault::Result;
use super::session::{integer, text, values};
use super::writer::{About, Request, Turn};
use crate::DeliveryId;
use crate::delivery::{End, Ended};
use crate::store::SetUp;

/// What runs here, to be held on to.
pub(super) struct Renewal {
    pub(super) running: Vec<(DeliveryId, u32)>,
    pub(super) until: Timestamp,
}

impl Request for Renewal {
    type Written = ();
    type Answer = ();

    fn about(&self) -> About {
        About::Everything
    }

    async fn execute(&self, turn: Turn<'_>) -> Result<()> {
        let sql = "UPDATE athm_delivery d SET due_at = $3 FROM unnest($1::uuid[], $2::integer[]) AS held (id, attempt) \
                   WHERE d.id = held.id AND d.attempts = held.attempt AND d.state = 'running'";
        let (ids, attempts): (Vec<_>, Vec<_>) =
            self.running.iter().map(|(id, attempt)| (*id.as_uuid(), integer(*attempt))).unzip();
        turn.session.execute(sql, values![ids, attempts, turn.times.there(self.until)]).await.map(drop)
    }

    fn committed(self, (): (), _: &SetUp) {}
}

impl Request for Ended {
    type Written = ();
    type Answer = ();

    fn about(&self) -> About {
        About::These(vec![self.id.to_string()])
    }

    async fn execute(&self, Turn { session, times, .. }: Turn<'_>) -> Result<()> {
        let Ended { id, attempt, at, end } = self;
        let (id, attempt, at) = (*id.as_uuid(), integer(*attempt), times.there(*at));
        let (sql, values) = match end {
            End::Succeeded => {
                let sql = "UPDATE athm_delivery SET state = 'succeeded', error = NULL, finished_at = $2 WHERE id = $1";
                (sql, values![id, at])
            }
            End::Failed { error, retry_at: Some(retry_at) } => {
                let sql = "UPDATE athm_delivery SET state = 'due', due_at = $3, error = $4 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, times.there(*retry_at), text(error)])
            }
            End::Failed { error, retry_at: None } => {
                let sql = "UPDATE athm_delivery SET state = 'dead', finished_at = $3, error = $4 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, at, text(error)])
            }
            End::Unstarted => {
                let sql = "UPDATE athm_delivery SET state = 'due', due_at = $3, attempts = attempts - 1 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, at])
            }
            End::Abandoned => {
                let sql = "UPDATE athm_delivery SET state = 'due', due_at = $3 \
                           WHERE id = $1 AND attempts = $2 AND state = 'running'";
                (sql, values![id, attempt, at])
            }
        };
        session.execute(sql, values).await.map(drop)
    }

    fn committed(self, (): (), _: &SetUp) {}
}
