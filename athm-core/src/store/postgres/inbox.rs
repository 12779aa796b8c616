//! Pending messages, and refunds that belong to no payment we know.

use jiff::Timestamp;

use super::fault::{Fault, Result};
use super::request::{BatchContext, ConflictKeys, Request, SingleRequest};
use super::session::Session;
use super::values::{integer, storable, text, values};
use crate::models::{Amount, PaymentKey};
use crate::store::limits::{COUNT_PENDING, MAX_CLAIMED, MAX_STATED_REFUNDS};
use crate::store::pending_room::PendingSpace;
use crate::store::row::{Columns, message_columns};
use crate::store::{InboxMessage, InboxState, StoreContext, StoreError};
use crate::util::clock::Clock;

impl Request for InboxMessage {
    /// The room that it took, if it is about a payment that we may not know.
    type Written = Option<PendingSpace>;

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(self.key.iter().map(ToString::to_string).collect())
    }

    fn committed(self, written: &mut Self::Written, _: &StoreContext) {
        if let Some(space) = written.take() {
            space.keep();
        }
    }
}

impl SingleRequest for InboxMessage {
    /// Stores a message. A pending one is merged into the one that is pending for the same payment already: there is one
    /// lookup for a payment, however many messages name it. `version` counts them, so that a message that arrives during
    /// a lookup is not deleted with the one that was looked up.
    async fn execute(&self, batch: BatchContext<'_>) -> Result<Option<PendingSpace>> {
        let (attempts, due_at) = match &self.state {
            InboxState::Pending { attempts, due_at } => (*attempts, batch.offset.to_server(*due_at)),
            InboxState::Unmatched { reason } => {
                return self.insert_unmatched(batch.session, reason).await.map(|()| None);
            }
        };
        let room = &batch.context.pending_room;
        let counting = room.counting.lock().await;
        if room.needs_count() {
            let pending = batch.session.one(COUNT_PENDING, values![], |row| row.integer()).await?;
            room.counted(pending.unwrap_or_default());
        }
        drop(counting);
        let space = room.take();
        // For a payment that has a pending message already, or that is known, one more may always be pending: strangers
        // who fill the inbox never keep a genuine message out.
        // Of two stated statuses, "expired" stays: the provider says CANCEL to both, so only the message can tell.
        let sql = "INSERT INTO athm_inbox AS kept \
                   (id, state, payment, kind, status, refunded, version, sender, attempts, due_at, received_at, refunds) \
                   SELECT $1::uuid, 'pending', $2::text, $3::text, $4::text, $5::bigint, 0, $6::text, \
                   $7::integer, $8::timestamptz, $9::timestamptz, $10::text WHERE $11::boolean \
                   OR EXISTS (SELECT 1 FROM athm_inbox WHERE state = 'pending' AND payment = $2) \
                   OR EXISTS (SELECT 1 FROM athm_transaction WHERE (ecommerce_id = $12 OR reference_number = $13) \
                   AND (deadline IS NOT NULL OR verified)) \
                   ON CONFLICT (payment) WHERE state = 'pending' DO UPDATE SET version = kept.version + 1, \
                   kind = CASE WHEN kept.kind = 'refund' THEN kept.kind ELSE coalesce(excluded.kind, kept.kind) END, \
                   refunded = nullif(greatest(coalesce(excluded.refunded, 0), coalesce(kept.refunded, 0)), 0), \
                   refunds = CASE WHEN excluded.refunds IS NULL OR strpos(kept.refunds, excluded.refunds) > 0 \
                   OR length(kept.refunds) > $14 THEN kept.refunds \
                   ELSE coalesce(kept.refunds || chr(10), '') || excluded.refunds END, \
                   status = CASE WHEN kept.status = 'expired' THEN kept.status ELSE coalesce(excluded.status, kept.status) END, \
                   due_at = CASE WHEN excluded.attempts > kept.attempts THEN excluded.due_at \
                   ELSE least(kept.due_at, excluded.due_at) END, attempts = greatest(kept.attempts, excluded.attempts)";
        let (ecommerce_id, reference) = match &self.key {
            Some(PaymentKey::Ecommerce(id)) => (Some(*id.as_uuid()), None),
            Some(PaymentKey::Reference(reference)) => (None, Some(reference.as_str())),
            None => (None, None),
        };
        let values = values![
            self.id,
            self.key.as_ref().map(|key| text(key.to_string())),
            self.kind.as_ref().map(|kind| text(kind.to_string())),
            self.status.as_ref().map(|status| text(status.to_string())),
            self.refunded.map(Amount::cents),
            text(self.sender.as_str()),
            integer(attempts),
            due_at,
            storable(self.received_at),
            self.stored_refunds().map(text),
            space.is_some(),
            ecommerce_id,
            reference,
            integer(MAX_STATED_REFUNDS),
        ];
        if batch.session.execute(sql, values).await? == 0 {
            return Err(Fault::Refused(StoreError::InboxFull));
        }
        Ok(space)
    }
}

impl InboxMessage {
    /// One row for a refund, however many messages name it.
    async fn insert_unmatched(&self, session: &Session, reason: &str) -> Result<()> {
        let sql = "INSERT INTO athm_inbox (id, state, payment, kind, status, version, sender, reason, attempts, received_at, refunds) \
                   VALUES ($1, 'unmatched', $2, $3, $4, 0, $5, $6, 0, $7, $8) ON CONFLICT DO NOTHING";
        let values = values![
            self.id,
            self.key.as_ref().map(|key| text(key.to_string())),
            self.kind.as_ref().map(|kind| text(kind.to_string())),
            self.status.as_ref().map(|status| text(status.to_string())),
            text(self.sender.as_str()),
            text(reason),
            storable(self.received_at),
            self.stored_refunds().map(text),
        ];
        session.execute(sql, values).await.map(drop)
    }
}

/// Leases due messages until `until`: they are due again then, unless they are settled before. No other process claims
/// them meanwhile.
pub(super) struct ClaimPendingMessages {
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
}

impl Request for ClaimPendingMessages {
    type Written = Vec<InboxMessage>;
}

impl SingleRequest for ClaimPendingMessages {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Vec<InboxMessage>> {
        let sql = concat!(
            "UPDATE athm_inbox SET due_at = $2 WHERE id = ANY (ARRAY (SELECT id FROM athm_inbox ",
            "WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING ",
            message_columns!()
        );
        let values = values![offset.to_server(self.now), offset.to_server(self.until), i64::from(MAX_CLAIMED)];
        // A damaged row is leased like the others, so that it isn't at the head of the queue next time.
        let (mut claimed, _) = session.readable("athm_inbox", sql, values, |row| row.pending_message()).await?;
        claimed.sort_by_key(|message| message.received_at);
        Ok(claimed)
    }
}

/// Deletes the pending message of a payment, unless another one was merged into it since that version was read.
pub(super) struct DeletePending {
    pub(super) key: PaymentKey,
    pub(super) version: i64,
}

impl Request for DeletePending {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(vec![self.key.to_string()])
    }
}

impl SingleRequest for DeletePending {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<()> {
        let sql = "DELETE FROM athm_inbox WHERE payment = $1 AND state = 'pending' AND version = $2";
        batch.session.execute(sql, values![text(self.key.to_string()), self.version]).await.map(drop)
    }
}

/// When the next pending message is due.
pub(super) async fn next_pending_message(session: &Session, clock: &Clock) -> Result<Option<Timestamp>> {
    let offset = session.clock_offset(clock).await?;
    let sql = "SELECT min(due_at) FROM athm_inbox WHERE state = 'pending'";
    let next = session.one(sql, values![], |row| row.maybe_time()).await?;
    Ok(next.flatten().map(|next| offset.to_local(next)))
}
