//! Messages that wait, and those that came to nothing.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::DUE;
use super::statement::{all, execute};
use crate::models::{Amount, PaymentKey};
use crate::store::{InboxMessage, InboxState, StoreError};

/// How many messages may wait, and how many refused and unmatched ones are kept: the newest.
const KEPT: u32 = 10_000;

pub(super) fn hold(connection: &Connection, held: &InboxMessage) -> Result<(), StoreError> {
    if matches!(held.state, InboxState::Pending { .. }) && !has_room(connection, held)? {
        return Err(StoreError::InboxFull);
    }
    // Of two claims, that of an expiry is kept: it alone tells anything that the provider doesn't.
    let sql = "INSERT INTO athm_inbox (id, state, payment, kind, status, refunded, version, sender, body, reason, attempts, due_at, received_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?12, 0, ?6, ?7, ?8, ?9, ?10, ?11) \
               ON CONFLICT (payment) WHERE state = 'pending' DO UPDATE SET version = version + 1, \
               kind = CASE WHEN kind = 'refund' THEN kind ELSE coalesce(excluded.kind, kind) END, \
               refunded = nullif(max(coalesce(excluded.refunded, 0), coalesce(refunded, 0)), 0), \
               status = CASE WHEN status = 'expired' THEN status ELSE coalesce(excluded.status, status) END, \
               due_at = CASE WHEN excluded.attempts > attempts THEN excluded.due_at ELSE min(due_at, excluded.due_at) END, \
               attempts = max(attempts, excluded.attempts)";
    let (state, reason, attempts, due_at) = match &held.state {
        InboxState::Pending { attempts, due_at } => ("pending", None, *attempts, Some(due_at.as_microsecond())),
        InboxState::Refused { reason } => ("refused", Some(reason), 0, None),
        InboxState::Unmatched { reason } => ("unmatched", Some(reason), 0, None),
    };
    let values = params![
        held.id,
        state,
        held.key.as_ref().map(ToString::to_string),
        held.kind.as_ref().map(ToString::to_string),
        held.status.as_ref().map(ToString::to_string),
        held.sender.as_str(),
        held.body,
        reason,
        attempts,
        due_at,
        held.received_at.as_microsecond(),
        held.refunded.map(Amount::cents),
    ];
    execute(connection, sql, values)?;
    if state != "pending" {
        // The oldest makes room.
        let sql = "DELETE FROM athm_inbox WHERE id = (SELECT id FROM athm_inbox WHERE state = ?1 ORDER BY received_at LIMIT 1) \
                   AND (SELECT count(*) FROM athm_inbox WHERE state = ?1) > ?2";
        execute(connection, sql, params![state, KEPT])?;
    }
    Ok(())
}

pub(super) fn take(connection: &Connection, now: Timestamp, until: Timestamp) -> rusqlite::Result<Vec<InboxMessage>> {
    let sql = "SELECT id, payment, kind, status, refunded, version, sender, body, attempts, due_at, received_at \
               FROM athm_inbox WHERE state = 'pending' AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
    let taken = all(connection, sql, params![now.as_microsecond(), DUE], |columns| columns.pending())?;
    for held in &taken {
        let sql = "UPDATE athm_inbox SET due_at = ?2 WHERE id = ?1";
        execute(connection, sql, params![held.id, until.as_microsecond()])?;
    }
    Ok(taken)
}

/// Whether one more may wait: one for a payment that waits already or that we opened always may.
fn has_room(connection: &Connection, held: &InboxMessage) -> rusqlite::Result<bool> {
    let (ticket, reference) = match &held.key {
        Some(PaymentKey::Ecommerce(id)) => (Some(*id.as_uuid()), None),
        Some(PaymentKey::Reference(reference)) => (None, Some(reference.as_str())),
        None => (None, None),
    };
    let sql = "SELECT EXISTS (SELECT 1 FROM athm_inbox WHERE state = 'pending' AND payment = ?1) \
               OR EXISTS (SELECT 1 FROM athm_transaction WHERE (ecommerce_id = ?2 OR reference_number = ?3) \
               AND (deadline IS NOT NULL OR verified)) \
               OR (SELECT count(*) FROM athm_inbox WHERE state = 'pending') < ?4";
    let key = held.key.as_ref().map(ToString::to_string);
    connection.prepare_cached(sql)?.query_row(params![key, ticket, reference, KEPT], |row| row.get(0))
}
