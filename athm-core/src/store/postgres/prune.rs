//! Deletes old rows, a bounded number at a time.

use super::fault::Result;
use super::request::{BatchContext, Request, SingleRequest};
use super::values::{storable, values};
use crate::store::limits::MAX_PRUNED;
use crate::store::{RetentionCutoffs, first_id_from};

impl Request for RetentionCutoffs {
    type Written = bool;
}

impl SingleRequest for RetentionCutoffs {
    /// Returns whether there may be more to delete. Rows that another process is deleting are skipped.
    ///
    /// `ARRAY (…)` is evaluated once. A plain subquery may be executed for every row, and lock rows each time.
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<bool> {
        let deliveries = offset.to_server(self.deliveries);
        let limit = i64::from(MAX_PRUNED);
        let statements = [
            (
                "UPDATE athm_transaction SET auth_token = NULL WHERE id = ANY (ARRAY (SELECT id FROM athm_transaction \
                 WHERE auth_token IS NOT NULL AND created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.tokens), limit],
            ),
            (
                // By their ids: an index of those that succeeded would have to be written for each.
                "DELETE FROM athm_delivery WHERE id = ANY (ARRAY (SELECT id FROM athm_delivery \
                 WHERE state = 'succeeded' AND finished_at < $1 AND id < $3 ORDER BY id LIMIT $2 \
                 FOR UPDATE SKIP LOCKED))",
                values![deliveries, limit, first_id_from(deliveries)],
            ),
            (
                "DELETE FROM athm_delivery WHERE id = ANY (ARRAY (SELECT id FROM athm_delivery \
                 WHERE state = 'dead' AND finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![deliveries, limit],
            ),
            (
                "DELETE FROM athm_delivery WHERE id = ANY (ARRAY (SELECT id FROM athm_delivery \
                 WHERE state = 'dismissed' AND finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![deliveries, limit],
            ),
            (
                "DELETE FROM athm_alert WHERE kind = 'dead_delivery' AND id = ANY (ARRAY (SELECT a.id FROM athm_alert a \
                 WHERE a.kind = 'dead_delivery' AND a.reported_at < $1 \
                 AND NOT EXISTS (SELECT 1 FROM athm_delivery d WHERE d.id = a.id) LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![deliveries, limit],
            ),
            (
                "DELETE FROM athm_message WHERE id = ANY (ARRAY (SELECT id FROM athm_message \
                 WHERE state = 'recorded' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.recorded_messages), limit],
            ),
            (
                "DELETE FROM athm_message WHERE id = ANY (ARRAY (SELECT id FROM athm_message \
                 WHERE state = 'pending' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.recorded_messages), limit],
            ),
            (
                "DELETE FROM athm_message WHERE id = ANY (ARRAY (SELECT id FROM athm_message \
                 WHERE state = 'refused' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.refused_messages), limit],
            ),
            (
                "DELETE FROM athm_message WHERE id = ANY (ARRAY (SELECT id FROM athm_message \
                 WHERE state = 'unmatched' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.refused_messages), limit],
            ),
            (
                "DELETE FROM athm_inbox WHERE id = ANY (ARRAY (SELECT id FROM athm_inbox \
                 WHERE state = 'unmatched' AND received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.unmatched), limit],
            ),
            (
                "DELETE FROM athm_checkout_push WHERE id = ANY (ARRAY (SELECT id FROM athm_checkout_push \
                 WHERE pushed_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                values![storable(self.pushes), limit],
            ),
        ];
        let mut has_more = false;
        for (sql, values) in statements {
            has_more |= session.execute(sql, values).await? >= u64::from(MAX_PRUNED);
        }
        Ok(has_more)
    }
}
