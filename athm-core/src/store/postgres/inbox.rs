//! Messages: those that wait for the provider, and those that came to nothing.

use jiff::Timestamp;

use super::DUE;
use super::fault::{Fault, Result};
use super::job::{BatchContext, ConflictKeys, Request, Single};
use super::session::{integer, storable, text, values};
use crate::models::{Amount, PaymentKey};
use crate::store::{InboxMessage, InboxState, StoreError};

/// How many messages may wait, and how many refused and unmatched ones are kept: the newest.
const KEPT: i64 = 10_000;

impl Request for InboxMessage {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(self.key.iter().map(ToString::to_string).collect())
    }
}

impl Single for InboxMessage {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<()> {
        // One more may wait for a payment that waits already or that is ours, however many wait.
        // Of two claims, that of an expiry is kept: it alone tells anything that the provider doesn't.
        let sql = "INSERT INTO athm_inbox AS kept \
                   (id, state, payment, kind, status, refunded, version, sender, body, reason, attempts, due_at, received_at) \
                   SELECT $1::uuid, $2::text, $3::text, $4::text, $5::text, $6::bigint, 0, $7::text, $8::text, $9::text, \
                   $10::integer, $11::timestamptz, $12::timestamptz WHERE $2::text <> 'pending' \
                   OR EXISTS (SELECT 1 FROM athm_inbox WHERE state = 'pending' AND payment = $3) \
                   OR EXISTS (SELECT 1 FROM athm_transaction WHERE (ecommerce_id = $13 OR reference_number = $14) \
                   AND (deadline IS NOT NULL OR verified)) \
                   OR (SELECT count(*) FROM athm_inbox WHERE state = 'pending') < $15 \
                   ON CONFLICT (payment) WHERE state = 'pending' DO UPDATE SET version = kept.version + 1, \
                   kind = CASE WHEN kept.kind = 'refund' THEN kept.kind ELSE coalesce(excluded.kind, kept.kind) END, \
                   refunded = nullif(greatest(coalesce(excluded.refunded, 0), coalesce(kept.refunded, 0)), 0), \
                   status = CASE WHEN kept.status = 'expired' THEN kept.status ELSE coalesce(excluded.status, kept.status) END, \
                   due_at = CASE WHEN excluded.attempts > kept.attempts THEN excluded.due_at \
                   ELSE least(kept.due_at, excluded.due_at) END, attempts = greatest(kept.attempts, excluded.attempts)";
        let (state, reason, attempts, due_at) = match &self.state {
            InboxState::Pending { attempts, due_at } => ("pending", None, *attempts, Some(batch.times.there(*due_at))),
            InboxState::Refused { reason } => ("refused", Some(reason), 0, None),
            InboxState::Unmatched { reason } => ("unmatched", Some(reason), 0, None),
        };
        let (ticket, reference) = match &self.key {
            Some(PaymentKey::Ecommerce(id)) => (Some(*id.as_uuid()), None),
            Some(PaymentKey::Reference(reference)) => (None, Some(reference.as_str())),
            None => (None, None),
        };
        let values = values![
            self.id,
            state,
            self.key.as_ref().map(|key| text(key.to_string())),
            self.kind.as_ref().map(|kind| text(kind.to_string())),
            self.status.as_ref().map(|status| text(status.to_string())),
            self.refunded.map(Amount::cents),
            text(self.sender.as_str()),
            text(&self.body),
            reason.map(text),
            integer(attempts),
            due_at,
            storable(self.received_at),
            ticket,
            reference,
            KEPT,
        ];
        if batch.session.execute(sql, values).await? == 0 {
            return Err(Fault::Refused(StoreError::InboxFull));
        }
        if state != "pending" {
            // The oldest makes room.
            let sql = "DELETE FROM athm_inbox WHERE id = ANY (ARRAY (SELECT id FROM athm_inbox WHERE state = $1 \
                       ORDER BY received_at LIMIT 1 FOR UPDATE SKIP LOCKED)) \
                       AND (SELECT count(*) FROM athm_inbox WHERE state = $1) > $2";
            batch.session.execute(sql, values![state, KEPT]).await?;
        }
        Ok(())
    }
}

/// Takes what is due, and puts it off, so that no other process asks about it too.
pub(super) struct Take {
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
}

impl Request for Take {
    type Written = Vec<InboxMessage>;
}

impl Single for Take {
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<Vec<InboxMessage>> {
        let sql = "UPDATE athm_inbox SET due_at = $2 WHERE id = ANY (ARRAY (SELECT id FROM athm_inbox \
                   WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)) \
                   RETURNING id, payment, kind, status, refunded, version, sender, body, attempts, due_at, received_at";
        let values = values![times.there(self.now), times.there(self.until), DUE];
        let mut taken = session.all(sql, values, |columns| columns.pending()).await?;
        taken.sort_by_key(|held| held.received_at);
        Ok(taken)
    }
}

/// Drops what waits for a payment, if nothing has come since it was read.
pub(super) struct Release {
    pub(super) key: PaymentKey,
    pub(super) version: i64,
}

impl Request for Release {
    type Written = ();

    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(vec![self.key.to_string()])
    }
}

impl Single for Release {
    async fn execute(&self, batch: BatchContext<'_>) -> Result<()> {
        let sql = "DELETE FROM athm_inbox WHERE payment = $1 AND state = 'pending' AND version = $2";
        batch.session.execute(sql, values![text(self.key.to_string()), self.version]).await.map(drop)
    }
}
