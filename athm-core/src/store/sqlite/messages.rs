//! Copies of messages, as they came.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::statement::{execute, readable};
use crate::store::limits::MAX_UPDATED_COPIES;
use crate::store::row::{Columns, copy_columns, select_copies};
use crate::store::{
    DamagedRows, MessageBatch, MessageCopy, MessageLane, MessagePage, MessageQuery, MessageState, ProcessedMessage,
    ReprocessedMessage,
};

/// Stores copies, and what became of pending ones. Of each lane the newest are kept.
pub(super) fn insert_messages(connection: &Connection, batch: &MessageBatch) -> rusqlite::Result<()> {
    for copy in &batch.copies {
        insert(connection, copy)?;
    }
    for lane in MessageLane::ALL {
        if batch.copies.iter().any(|copy| copy.lane == lane) {
            keep_newest(connection, lane)?;
        }
    }
    batch.processed.iter().try_for_each(|processed| update(connection, processed))
}

fn insert(connection: &Connection, copy: &MessageCopy) -> rusqlite::Result<()> {
    let sql = "INSERT INTO athm_message (id, state, lane, ends_at, sender, content_type, remote_address, size, answer, \
               reason, payment, transaction_id, received_at, body) \
               VALUES (?1, ?2, ?3, (SELECT coalesce(max(ends_at), 0) FROM athm_message WHERE lane = ?3) + ?4, \
               ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let values = params![
        copy.id.as_uuid(),
        copy.state.as_str(),
        copy.lane.number(),
        i64::try_from(copy.weight()).unwrap_or(i64::MAX),
        copy.sender.as_str(),
        copy.content_type,
        copy.remote_address.map(|address| address.to_string()),
        i64::try_from(copy.size).unwrap_or(i64::MAX),
        copy.answer,
        copy.reason,
        copy.key.as_ref().map(ToString::to_string),
        copy.transaction.map(|id| *id.as_uuid()),
        copy.received_at.as_microsecond(),
        &copy.body[..],
    ];
    execute(connection, sql, values)
}

/// A write stores less than this deletes, so that a lane that is full stays as large as it may be.
fn keep_newest(connection: &Connection, lane: MessageLane) -> rusqlite::Result<()> {
    let sql = "DELETE FROM athm_message WHERE rowid IN (SELECT rowid FROM athm_message WHERE lane = ?1 AND ends_at <= \
               (SELECT max(ends_at) FROM athm_message WHERE lane = ?1) - ?2 ORDER BY ends_at LIMIT ?3)";
    execute(connection, sql, params![lane.number(), lane.max_weight(), MAX_UPDATED_COPIES])
}

/// A message that is pending still, because another one for its payment has arrived, is processed with that one.
fn update(connection: &Connection, processed: &ProcessedMessage) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_message SET state = ?1, reason = ?2, transaction_id = coalesce(?3, transaction_id) \
               WHERE rowid IN (SELECT rowid FROM athm_message WHERE payment = ?4 AND state = 'pending' \
               AND received_at <= ?5 LIMIT ?6) \
               AND NOT EXISTS (SELECT 1 FROM athm_inbox WHERE payment = ?4 AND state = 'pending')";
    let values = params![
        processed.state.as_str(),
        processed.reason,
        processed.transaction.map(|id| *id.as_uuid()),
        processed.key.to_string(),
        processed.processed_at.as_microsecond(),
        MAX_UPDATED_COPIES,
    ];
    execute(connection, sql, values)
}

/// What became of a message that was run again.
pub(super) fn update_message(connection: &Connection, message: &ReprocessedMessage) -> rusqlite::Result<()> {
    let sql = "UPDATE athm_message SET state = ?2, reason = ?3, payment = ?4, transaction_id = ?5 WHERE id = ?1";
    let values = params![
        message.id.as_uuid(),
        message.state.as_str(),
        message.reason,
        message.key.as_ref().map(ToString::to_string),
        message.transaction.map(|id| *id.as_uuid()),
    ];
    execute(connection, sql, values)
}

/// Newest first.
pub(super) fn list_messages(
    connection: &Connection,
    query: &MessageQuery,
    damaged: &DamagedRows,
) -> rusqlite::Result<MessagePage> {
    let since = query.since.map_or(i64::MIN, Timestamp::as_microsecond);
    let until = query.until.map_or(i64::MAX, Timestamp::as_microsecond);
    let (after, after_id) = query
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (cursor.received_at.as_microsecond(), *cursor.id.as_uuid()));
    let size = query.page_size();
    let state = query.state.map(|state| state.as_str());
    let of = ("athm_message", damaged);
    let found = match (query.id, query.transaction, state) {
        (Some(id), ..) => {
            let sql = concat!("SELECT ", copy_columns!(), " FROM athm_message WHERE id = ?1");
            readable(connection, of, sql, [id.as_uuid()], |row| row.stored_message())
        }
        (None, Some(id), state) => {
            let sql = select_copies!("AND transaction_id = $5 AND ($6 IS NULL OR state = $6)", "$7");
            let values = params![since, until, after, after_id, id.as_uuid(), state, size + 1];
            readable(connection, of, sql, values, |row| row.stored_message())
        }
        // Nearly all are recorded: they are found among all. The others have an index.
        (None, None, Some(state)) => {
            let is_recorded = state == MessageState::Recorded.as_str();
            let others = select_copies!("AND state = $5 AND state <> 'recorded'", "$6");
            let sql = if is_recorded { select_copies!("AND state = $5", "$6") } else { others };
            let values = params![since, until, after, after_id, state, size + 1];
            readable(connection, of, sql, values, |row| row.stored_message())
        }
        (None, None, None) => {
            let values = params![since, until, after, after_id, size + 1];
            readable(connection, of, select_copies!("", "$5"), values, |row| row.stored_message())
        }
    }?;
    Ok(MessagePage::of(found.rows, found.damaged.len(), size))
}
