//! Deletes old rows, a bounded number at a time.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::store::limits::MAX_PRUNED;
use crate::store::{RetentionCutoffs, first_id_from};

/// Returns whether there may be more to delete.
pub(super) fn prune(connection: &Connection, cutoffs: RetentionCutoffs) -> rusqlite::Result<bool> {
    let micros = Timestamp::as_microsecond;
    let statements = [
        (
            "UPDATE athm_transaction SET auth_token = NULL WHERE id IN (SELECT id FROM athm_transaction \
             WHERE auth_token IS NOT NULL AND created_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.tokens), MAX_PRUNED],
        ),
        (
            // By their ids: an index of those that succeeded would have to be written for each.
            "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
             WHERE state = 'succeeded' AND finished_at < ?1 AND id < ?3 ORDER BY id LIMIT ?2)",
            params![micros(cutoffs.deliveries), MAX_PRUNED, first_id_from(cutoffs.deliveries)],
        ),
        (
            "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
             WHERE state = 'dead' AND finished_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.deliveries), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
             WHERE state = 'dismissed' AND finished_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.deliveries), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_alert WHERE (kind, id, place) IN (SELECT a.kind, a.id, a.place FROM athm_alert a \
             WHERE a.kind = 'dead_delivery' AND a.reported_at < ?1 \
             AND NOT EXISTS (SELECT 1 FROM athm_delivery d WHERE d.id = a.id) LIMIT ?2)",
            params![micros(cutoffs.deliveries), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_message WHERE id IN (SELECT id FROM athm_message \
             WHERE state = 'recorded' AND received_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.recorded_messages), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_message WHERE id IN (SELECT id FROM athm_message \
             WHERE state = 'pending' AND state <> 'recorded' AND received_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.recorded_messages), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_message WHERE id IN (SELECT id FROM athm_message \
             WHERE state = 'refused' AND state <> 'recorded' AND received_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.refused_messages), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_message WHERE id IN (SELECT id FROM athm_message \
             WHERE state = 'unmatched' AND state <> 'recorded' AND received_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.refused_messages), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox \
             WHERE state = 'unmatched' AND received_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.unmatched), MAX_PRUNED],
        ),
        (
            "DELETE FROM athm_checkout_push WHERE id IN (SELECT id FROM athm_checkout_push \
             WHERE pushed_at < ?1 LIMIT ?2)",
            params![micros(cutoffs.pushes), MAX_PRUNED],
        ),
    ];
    let mut has_more = false;
    for (sql, values) in statements {
        has_more |= connection.prepare_cached(sql)?.execute(values)? == MAX_PRUNED as usize;
    }
    Ok(has_more)
}
