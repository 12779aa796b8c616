//! Forgetting what is old.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::SOME;
use crate::store::RetentionCutoffs;

pub(super) fn prune(connection: &Connection, before: RetentionCutoffs) -> rusqlite::Result<bool> {
    let micros = Timestamp::as_microsecond;
    let forgotten = [
        (
            "UPDATE athm_transaction SET auth_token = NULL WHERE id IN (SELECT id FROM athm_transaction \
             WHERE auth_token IS NOT NULL AND created_at < ?1 LIMIT ?2)",
            params![micros(before.tokens), SOME],
        ),
        (
            "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
             WHERE state = 'succeeded' AND finished_at < ?1 LIMIT ?2)",
            params![micros(before.deliveries), SOME],
        ),
        (
            "DELETE FROM athm_delivery WHERE id IN (SELECT id FROM athm_delivery \
             WHERE state = 'dead' AND finished_at < ?1 LIMIT ?2)",
            params![micros(before.deliveries), SOME],
        ),
        (
            "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox \
             WHERE state = 'refused' AND received_at < ?1 LIMIT ?2)",
            params![micros(before.refused), SOME],
        ),
        (
            "DELETE FROM athm_inbox WHERE id IN (SELECT id FROM athm_inbox \
             WHERE state = 'unmatched' AND received_at < ?1 LIMIT ?2)",
            params![micros(before.unmatched), SOME],
        ),
    ];
    let mut has_more = false;
    for (sql, values) in forgotten {
        has_more |= connection.prepare_cached(sql)?.execute(values)? == SOME as usize;
    }
    Ok(has_more)
}
