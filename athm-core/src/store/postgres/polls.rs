//! What the provider is to be asked about payments, and when.

use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::find::{by_id, filled};
use super::job::{BatchContext, ConflictKeys, Request, Single};
use super::session::{Session, Statements, integer, text, values};
use crate::models::EcommerceId;
use crate::store::{MatchCriteria, PollTask, Reschedule};
use crate::util::clock::Clock;

/// How many have their batch at once.
const TURNS: i64 = 16;

/// These need none any more.
pub(super) fn end(statements: &mut Statements<'_>, of: Vec<Uuid>) {
    if !of.is_empty() {
        statements.push(("DELETE FROM athm_poll WHERE transaction_id = ANY ($1)", values![of]));
    }
}

/// Takes what is due, and puts it off, so that no other process has it too.
pub(super) struct Take {
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
}

impl Request for Take {
    type Written = Vec<PollTask>;
}

impl Single for Take {
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<Vec<PollTask>> {
        let sql = "UPDATE athm_poll SET attempts = attempts + 1, due_at = $2 WHERE transaction_id = ANY (ARRAY \
                   (SELECT transaction_id FROM athm_poll WHERE due_at <= $1 ORDER BY due_at LIMIT $3 \
                   FOR UPDATE SKIP LOCKED)) RETURNING transaction_id, attempts";
        let values = values![times.there(self.now), times.there(self.until), TURNS];
        let taken = session.all(sql, values, |columns| columns.batch()).await?;
        let mut polls = Vec::new();
        for (id, attempt) in taken {
            let found = by_id(session, id).await?;
            polls
                .extend(filled(session, found).await?.into_iter().map(|transaction| PollTask { transaction, attempt }));
        }
        Ok(polls)
    }
}

impl Request for Reschedule {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(vec![self.transaction.to_string()])
    }
}

impl Single for Reschedule {
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<()> {
        let (id, attempt) = (*self.transaction.as_uuid(), integer(self.attempt));
        let (sql, values) = match self.due_at {
            Some(due_at) => (
                "UPDATE athm_poll SET due_at = $3 WHERE transaction_id = $1 AND attempts = $2",
                values![id, attempt, times.there(due_at)],
            ),
            None => ("DELETE FROM athm_poll WHERE transaction_id = $1 AND attempts = $2", values![id, attempt]),
        };
        session.execute(sql, values).await.map(drop)
    }
}

pub(super) async fn next(session: &Session, clock: &Clock) -> Result<Option<Timestamp>> {
    let times = session.times(clock).await?;
    let next = session.one("SELECT min(due_at) FROM athm_poll", values![], |columns| columns.maybe_time()).await?;
    Ok(next.flatten().map(|next| times.here(next)))
}

/// Two at most: several are as good as none.
pub(super) async fn find_open_matching(session: &Session, like: &MatchCriteria) -> Result<Vec<EcommerceId>> {
    let sql = "SELECT ecommerce_id FROM athm_transaction WHERE deadline IS NOT NULL AND status IN ('open', 'confirmed') \
               AND metadata_1 = $1 AND total = $2 AND metadata_2 = $3 AND ecommerce_id IS NOT NULL LIMIT 2";
    let values = values![text(&like.metadata_1), like.total.cents(), text(&like.metadata_2)];
    session.all(sql, values, |columns| Ok(columns.get::<Uuid>()?.into())).await
}
