//! Copies of messages, as they came.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::request::{BatchContext, ConflictKeys, Request, SingleRequest};
use super::session::Session;
use super::values::{Statement, Statements, column, storable, text, values};
use crate::store::limits::MAX_UPDATED_COPIES;
use crate::store::row::{Columns, copy_columns, select_copies};
use crate::store::{
    MessageBatch, MessageCopy, MessageLane, MessagePage, MessageQuery, MessageState, ProcessedMessage,
    ReprocessedMessage,
};

/// Copies, and what became of pending ones. Of each lane the newest are kept.
pub(super) struct InsertMessages(pub(super) Arc<MessageBatch>);

impl Request for InsertMessages {
    type Written = ();

    /// No other write touches these rows, but for a merge of payments, which names them by their payment.
    fn conflict_keys(&self) -> ConflictKeys {
        ConflictKeys::These(self.0.processed.iter().map(|processed| processed.key.to_string()).collect())
    }
}

impl SingleRequest for InsertMessages {
    async fn execute(&self, BatchContext { session, .. }: BatchContext<'_>) -> Result<()> {
        for lane in MessageLane::ALL {
            let copies: Vec<_> = self.0.copies.iter().filter(|copy| copy.lane == lane).collect();
            if !copies.is_empty() {
                session.execute_all(Statements::from([insert(lane, &copies), keep_newest(lane)])).await?;
            }
        }
        if self.0.processed.is_empty() { Ok(()) } else { update(session, &self.0.processed).await }
    }
}

/// Two processes that insert at the same time may give two copies one place: each process keeps at least as much as a lane
/// may hold, and all together no more than that for each.
fn insert<'a>(lane: MessageLane, copies: &'a [&MessageCopy]) -> Statement<'a> {
    let sql = "INSERT INTO athm_message (id, state, lane, ends_at, sender, content_type, remote_address, size, answer, \
               reason, payment, transaction_id, received_at, body) \
               SELECT new.id, new.state, $1::smallint, \
               (SELECT coalesce(max(ends_at), 0) FROM athm_message WHERE lane = $1) + sum(new.weight) OVER (ORDER BY new.n), \
               new.sender, new.content_type, new.remote_address, new.size, new.answer, new.reason, new.payment, \
               new.transaction_id, new.received_at, new.body \
               FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], \
               $9::bigint[], $10::text[], $11::text[], $12::uuid[], $13::timestamptz[], $14::bytea[]) WITH ORDINALITY \
               AS new (id, state, weight, sender, content_type, remote_address, size, answer, reason, payment, \
               transaction_id, received_at, body, n)";
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let values = values![
        lane.number(),
        column(copies, |copy| *copy.id.as_uuid()),
        column(copies, |copy| copy.state.as_str()),
        column(copies, |copy| signed(copy.weight())),
        column(copies, |copy| text(copy.sender.as_str())),
        column(copies, |copy| copy.content_type.as_deref().map(text)),
        column(copies, |copy| copy.remote_address.map(|address| address.to_string())),
        column(copies, |copy| signed(copy.size)),
        column(copies, |copy| i64::from(copy.answer)),
        column(copies, |copy| copy.reason.as_deref().map(text)),
        column(copies, |copy| copy.key.as_ref().map(|key| text(key.to_string()))),
        column(copies, |copy| copy.transaction.map(|id| *id.as_uuid())),
        column(copies, |copy| storable(copy.received_at)),
        column(copies, |copy| &copy.body[..]),
    ];
    (sql, values)
}

/// Rows that another process is deleting are skipped.
fn keep_newest(lane: MessageLane) -> Statement<'static> {
    let sql = "DELETE FROM athm_message WHERE id = ANY (ARRAY (SELECT id FROM athm_message WHERE lane = $1 AND ends_at <= \
               (SELECT max(ends_at) FROM athm_message WHERE lane = $1) - $2 ORDER BY ends_at LIMIT $3 \
               FOR UPDATE SKIP LOCKED))";
    (sql, values![lane.number(), lane.max_weight(), i64::from(MAX_UPDATED_COPIES)])
}

/// One statement for all of a batch. A message that is pending still, because another one for its payment has arrived, is
/// processed with that one. Rows that another process is updating are skipped.
async fn update(session: &Session, processed: &[ProcessedMessage]) -> Result<()> {
    let sql = "UPDATE athm_message SET state = found.state, reason = found.reason, \
               transaction_id = coalesce(found.transaction_id, athm_message.transaction_id) \
               FROM (SELECT copy.id, ended.state, ended.reason, ended.transaction_id \
               FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[]) \
               AS ended (payment, state, reason, transaction_id, processed_at) CROSS JOIN LATERAL (\
               SELECT id FROM athm_message WHERE payment = ended.payment AND state = 'pending' \
               AND received_at <= ended.processed_at AND NOT EXISTS (\
               SELECT 1 FROM athm_inbox WHERE payment = ended.payment AND state = 'pending') \
               LIMIT $6 FOR UPDATE SKIP LOCKED) AS copy) AS found WHERE athm_message.id = found.id";
    let values = values![
        column(processed, |processed| text(processed.key.to_string())),
        column(processed, |processed| processed.state.as_str()),
        column(processed, |processed| processed.reason.as_deref().map(text)),
        column(processed, |processed| processed.transaction.map(|id| *id.as_uuid())),
        column(processed, |processed| storable(processed.processed_at)),
        i64::from(MAX_UPDATED_COPIES),
    ];
    session.execute(sql, values).await.map(drop)
}

impl Request for ReprocessedMessage {
    type Written = ();
}

impl SingleRequest for ReprocessedMessage {
    /// What became of a message that was run again.
    async fn execute(&self, BatchContext { session, .. }: BatchContext<'_>) -> Result<()> {
        let sql = "UPDATE athm_message SET state = $2, reason = $3, payment = $4, transaction_id = $5 WHERE id = $1";
        let values = values![
            *self.id.as_uuid(),
            self.state.as_str(),
            self.reason.as_deref().map(text),
            self.key.as_ref().map(|key| text(key.to_string())),
            self.transaction.map(|id| *id.as_uuid()),
        ];
        session.execute(sql, values).await.map(drop)
    }
}

/// Newest first.
pub(super) async fn list_messages(session: &Session, query: MessageQuery) -> Result<MessagePage> {
    let since = storable(query.since.unwrap_or(Timestamp::MIN));
    let until = query.until.unwrap_or(Timestamp::MAX);
    let (after, after_id) =
        query.after.map_or((Timestamp::MAX, Uuid::max()), |cursor| (cursor.received_at, *cursor.id.as_uuid()));
    let size = query.page_size();
    let limit = i64::from(size) + 1;
    let table = "athm_message";
    let state = query.state.map(|state| state.as_str());
    let (messages, damaged) = match (query.id, query.transaction, state) {
        (Some(id), ..) => {
            let sql = concat!("SELECT ", copy_columns!(), " FROM athm_message WHERE id = $1");
            session.readable(table, sql, values![*id.as_uuid()], |row| row.stored_message()).await
        }
        (None, Some(id), state) => {
            let sql = select_copies!("AND transaction_id = $5 AND ($6::text IS NULL OR state = $6)", "$7");
            let values = values![since, until, after, after_id, *id.as_uuid(), state, limit];
            session.readable(table, sql, values, |row| row.stored_message()).await
        }
        // Nearly all are recorded: they are found among all. The others have an index.
        (None, None, Some(state)) => {
            let is_recorded = state == MessageState::Recorded.as_str();
            let others = select_copies!("AND state = $5 AND state <> 'recorded'", "$6");
            let sql = if is_recorded { select_copies!("AND state = $5", "$6") } else { others };
            let values = values![since, until, after, after_id, state, limit];
            session.readable(table, sql, values, |row| row.stored_message()).await
        }
        (None, None, None) => {
            let values = values![since, until, after, after_id, limit];
            session.readable(table, select_copies!("", "$5"), values, |row| row.stored_message()).await
        }
    }?;
    Ok(MessagePage::of(messages, damaged.len(), size))
}
