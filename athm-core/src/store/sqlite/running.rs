//! What runs, and how it ended.

use rusqlite::{Connection, params};

use super::statement::execute;
use crate::outbox::{Acknowledgement, AttemptOutcome};

pub(super) fn acknowledge(connection: &Connection, ended: &Acknowledgement) -> rusqlite::Result<()> {
    let Acknowledgement { id, attempt, at, end } = ended;
    let (id, at) = (id.as_uuid(), at.as_microsecond());
    let sql = match end {
        AttemptOutcome::Succeeded => {
            let sql = "UPDATE athm_delivery SET state = 'succeeded', error = NULL, finished_at = ?2 WHERE id = ?1";
            return execute(connection, sql, params![id, at]);
        }
        AttemptOutcome::Failed { error, retry_at: Some(retry_at) } => {
            let sql = "UPDATE athm_delivery SET state = 'due', due_at = ?3, error = ?4 \
                       WHERE id = ?1 AND attempts = ?2 AND state = 'running'";
            return execute(connection, sql, params![id, attempt, retry_at.as_microsecond(), error]);
        }
        AttemptOutcome::Failed { error, retry_at: None } => {
            let sql = "UPDATE athm_delivery SET state = 'dead', finished_at = ?3, error = ?4 \
                       WHERE id = ?1 AND attempts = ?2 AND state = 'running'";
            return execute(connection, sql, params![id, attempt, at, error]);
        }
        AttemptOutcome::Unstarted => {
            "UPDATE athm_delivery SET state = 'due', due_at = ?3, attempts = attempts - 1 \
             WHERE id = ?1 AND attempts = ?2 AND state = 'running'"
        }
        AttemptOutcome::Abandoned => {
            "UPDATE athm_delivery SET state = 'due', due_at = ?3 WHERE id = ?1 AND attempts = ?2 AND state = 'running'"
        }
    };
    execute(connection, sql, params![id, attempt, at])
}
