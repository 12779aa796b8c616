//! What is old enough is forgotten.

use super::fault::Result;
use super::job::{BatchContext, Request, Single};
use super::session::{storable, values};
use crate::store::RetentionCutoffs;

/// How many rows are forgotten at once.
const SOME: i64 = 1_000;

impl Request for RetentionCutoffs {
    type Written = bool;
}

impl Single for RetentionCutoffs {
    /// What another process is about to forget is left to it. An array is made once; a subquery in its place may be
    /// executed for every row, and lock that often what it finds.
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<bool> {
        let deliveries = times.there(self.deliveries);
        let forgotten = [
            (
                "UPDATE athm_transaction SET auth_token = NULL WHERE id = ANY (ARRAY (SELECT id FROM athm_transaction \
                 WHERE auth_token IS NOT NULL AND created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.tokens), SOME],
            ),
            (
                "DELETE FROM athm_delivery WHERE id = ANY (ARRAY (SELECT id FROM athm_delivery \
                 WHERE state = 'succeeded' AND finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![deliveries, SOME],
            ),
            (
                "DELETE FROM athm_delivery WHERE id = ANY (ARRAY (SELECT id FROM athm_delivery \
                 WHERE state = 'dead' AND finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![deliveries, SOME],
            ),
            (
                "DELETE FROM athm_inbox WHERE id = ANY (ARRAY (SELECT id FROM athm_inbox \
                 WHERE state = 'refused' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.refused), SOME],
            ),
            (
                "DELETE FROM athm_inbox WHERE id = ANY (ARRAY (SELECT id FROM athm_inbox \
                 WHERE state = 'unmatched' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.unmatched), SOME],
            ),
        ];
        let mut has_more = false;
        for (sql, values) in forgotten {
            has_more |= session.execute(sql, values).await? >= SOME.unsigned_abs();
        }
        Ok(has_more)
    }
}
