//! Pending messages, and refunds that belong to no payment we know.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::statement::{execute, one, postpone, readable};
use crate::models::{Amount, PaymentKey};
use crate::store::limits::{COUNT_PENDING, MAX_CLAIMED, MAX_STATED_REFUNDS};
use crate::store::pending_room::PendingSpace;
use crate::store::row::{Columns, message_columns};
use crate::store::{DamagedRows, InboxMessage, InboxState, PendingRoom, StoreError};

/// Stores a message. A pending one is merged into the one that is pending for the same payment already: there is one
/// lookup for a payment, however many messages name it. `version` counts them, so that a message that arrives during a
/// lookup is not deleted with the one that was looked up.
pub(super) fn insert_message(
    connection: &Connection,
    message: &InboxMessage,
    room: &PendingRoom,
) -> Result<Option<PendingSpace>, StoreError> {
    let (attempts, due_at) = match &message.state {
        InboxState::Pending { attempts, due_at } => (*attempts, due_at.as_microsecond()),
        InboxState::Unmatched { reason } => {
            insert_unmatched(connection, message, reason)?;
            return Ok(None);
        }
    };
    let mut space = None;
    if !is_expected(connection, message)? {
        if room.needs_count() {
            room.counted(one(connection, COUNT_PENDING, [], |row| row.integer())?.unwrap_or_default());
        }
        space = Some(room.take().ok_or(StoreError::InboxFull)?);
    }
    // Of two stated statuses, "expired" stays: the provider says CANCEL to both, so only the message can tell.
    let sql = "INSERT INTO athm_inbox (id, state, payment, kind, status, refunded, version, sender, attempts, due_at, received_at, refunds) \
               VALUES (?1, 'pending', ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10) \
               ON CONFLICT (payment) WHERE state = 'pending' DO UPDATE SET version = version + 1, \
               kind = CASE WHEN kind = 'refund' THEN kind ELSE coalesce(excluded.kind, kind) END, \
               refunded = nullif(max(coalesce(excluded.refunded, 0), coalesce(refunded, 0)), 0), \
               refunds = CASE WHEN excluded.refunds IS NULL OR instr(refunds, excluded.refunds) > 0 \
               OR length(refunds) > ?11 THEN refunds \
               ELSE coalesce(refunds || char(10), '') || excluded.refunds END, \
               status = CASE WHEN status = 'expired' THEN status ELSE coalesce(excluded.status, status) END, \
               due_at = CASE WHEN excluded.attempts > attempts THEN excluded.due_at ELSE min(due_at, excluded.due_at) END, \
               attempts = max(attempts, excluded.attempts)";
    let values = params![
        message.id,
        message.key.as_ref().map(ToString::to_string),
        message.kind.as_ref().map(ToString::to_string),
        message.status.as_ref().map(ToString::to_string),
        message.refunded.map(Amount::cents),
        message.sender.as_str(),
        attempts,
        due_at,
        message.received_at.as_microsecond(),
        message.stored_refunds(),
        MAX_STATED_REFUNDS,
    ];
    execute(connection, sql, values)?;
    Ok(space)
}

/// One row for a refund, however many messages name it.
fn insert_unmatched(connection: &Connection, message: &InboxMessage, reason: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO athm_inbox (id, state, payment, kind, status, version, sender, reason, attempts, received_at, refunds) \
               VALUES (?1, 'unmatched', ?2, ?3, ?4, 0, ?5, ?6, 0, ?7, ?8) ON CONFLICT DO NOTHING";
    let values = params![
        message.id,
        message.key.as_ref().map(ToString::to_string),
        message.kind.as_ref().map(ToString::to_string),
        message.status.as_ref().map(ToString::to_string),
        message.sender.as_str(),
        reason,
        message.received_at.as_microsecond(),
        message.stored_refunds(),
    ];
    execute(connection, sql, values)
}

/// Takes due messages, and leases them until `until`: they are due again then, unless they are settled before.
pub(super) fn claim_pending_messages(
    connection: &Connection,
    now: Timestamp,
    until: Timestamp,
    damaged: &DamagedRows,
) -> rusqlite::Result<Vec<InboxMessage>> {
    let sql = concat!(
        "SELECT ",
        message_columns!(),
        " FROM athm_inbox WHERE state = 'pending' AND due_at <= ?1 ORDER BY due_at LIMIT ?2"
    );
    let values = params![now.as_microsecond(), MAX_CLAIMED];
    let claimed = readable(connection, ("athm_inbox", damaged), sql, values, |row| row.pending_message())?;
    postpone(connection, "UPDATE athm_inbox SET due_at = ?2 WHERE id = ?1", &claimed.damaged, now)?;
    for message in &claimed.rows {
        let sql = "UPDATE athm_inbox SET due_at = ?2 WHERE id = ?1";
        execute(connection, sql, params![message.id, until.as_microsecond()])?;
    }
    Ok(claimed.rows)
}

/// Whether the payment has a pending message already, or is known. Then one more may always be pending: strangers who fill
/// the inbox never keep a genuine message out.
fn is_expected(connection: &Connection, message: &InboxMessage) -> rusqlite::Result<bool> {
    let (ecommerce_id, reference) = match &message.key {
        Some(PaymentKey::Ecommerce(id)) => (Some(*id.as_uuid()), None),
        Some(PaymentKey::Reference(reference)) => (None, Some(reference.as_str())),
        None => (None, None),
    };
    let sql = "SELECT EXISTS (SELECT 1 FROM athm_inbox WHERE state = 'pending' AND payment = ?1) \
               OR EXISTS (SELECT 1 FROM athm_transaction WHERE (ecommerce_id = ?2 OR reference_number = ?3) \
               AND (deadline IS NOT NULL OR verified))";
    let key = message.key.as_ref().map(ToString::to_string);
    connection.prepare_cached(sql)?.query_row(params![key, ecommerce_id, reference], |row| row.get(0))
}

/// Deletes the pending message of a payment, unless another one was merged into it since that version was read.
pub(super) fn delete_pending(connection: &Connection, key: &PaymentKey, version: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM athm_inbox WHERE payment = ?1 AND state = 'pending' AND version = ?2";
    execute(connection, sql, params![key.to_string(), version])
}

/// When the next pending message is due.
pub(super) fn next_pending_message(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due_at) FROM athm_inbox WHERE state = 'pending'";
    Ok(one(connection, sql, [], |row| row.maybe_time())?.flatten())
}
