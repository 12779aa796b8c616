//! Intents to open payments.

use futures_util::FutureExt;
use jiff::Timestamp;

use super::Postgres;
use super::fault::{Fault, Result};
use super::own_transaction::of_driver;
use super::request::{BatchContext, Request, SingleRequest};
use super::session::Session;
use super::values::{integer, text, values};
use crate::models::TransactionId;
use crate::models::payment_intent::{
    BeginOpening, FinishOpening, NewIntent, NotOpening, OpeningOutcome, StartedOpening, StoredIntent,
};
use crate::receiver::Database;
use crate::store::payment_intent::{KeyTaken, MAX_DUE_INTENTS, PaymentIntentStore};
use crate::store::row::{Columns, payment_intent_columns};
use crate::store::{StoreError, StoreFuture};

impl PaymentIntentStore for Postgres {
    fn stored_time(&self, at: Timestamp) -> StoreFuture<'_, Timestamp> {
        self.read(at, |session, clock, at| async move { Ok(session.clock_offset(&clock).await?.to_server(at)) }.boxed())
    }

    fn insert_intent(&self, new: NewIntent) -> StoreFuture<'_, std::result::Result<TransactionId, KeyTaken>> {
        self.writer.write(new)
    }

    fn find_intent(&self, id: TransactionId) -> StoreFuture<'_, Option<StoredIntent>> {
        self.read(id, |session, _, id| {
            async move {
                let sql = concat!("SELECT ", payment_intent_columns!(), " FROM athm_payment_intent WHERE id = $1");
                find(&session, sql, id).await
            }
            .boxed()
        })
    }

    fn begin_opening(&self, request: BeginOpening) -> StoreFuture<'_, std::result::Result<StartedOpening, NotOpening>> {
        self.writer.write(request)
    }

    fn finish_opening(&self, result: FinishOpening) -> StoreFuture<'_, ()> {
        self.writer.write_deferred(result)
    }

    fn due_intents(&self, now: Timestamp) -> StoreFuture<'_, Vec<TransactionId>> {
        self.read(now, |session, clock, now| {
            async move {
                let now = session.clock_offset(&clock).await?.to_server(now);
                let sql = "SELECT id FROM athm_payment_intent WHERE state IN ('due', 'opening') AND due_at <= $1 \
                           ORDER BY due_at LIMIT $2";
                session.all(sql, values![now, i64::from(MAX_DUE_INTENTS)], |row| row.id()).await
            }
            .boxed()
        })
    }
}

impl Request for NewIntent {
    type Written = std::result::Result<TransactionId, KeyTaken>;
}

impl SingleRequest for NewIntent {
    async fn execute(&self, BatchContext { session, .. }: BatchContext<'_>) -> Result<Self::Written> {
        let sql = Database::Postgres.intents();
        if session.execute(sql.insert, of_driver(&self.values())).await? == 1 {
            return Ok(Ok(self.id));
        }
        let found = session.one(sql.find, of_driver(&self.content_and_key()), |row| row.text()).await?;
        let found = self.found(found.as_deref()).map_err(|error| Fault::Failed(StoreError::database(error)))?;
        if found.is_ok() {
            session.execute(sql.renew, of_driver(&self.renewal())).await?;
        }
        Ok(found)
    }
}

async fn find(session: &Session, sql: &'static str, id: TransactionId) -> Result<Option<StoredIntent>> {
    session.one(sql, values![*id.as_uuid()], |row| row.payment_intent()).await
}

impl Request for BeginOpening {
    type Written = std::result::Result<StartedOpening, NotOpening>;
}

impl SingleRequest for BeginOpening {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<Self::Written> {
        let id = *self.id.as_uuid();
        // Locked: of two processes, the second sees what the first has begun.
        let sql = concat!("SELECT ", payment_intent_columns!(), " FROM athm_payment_intent WHERE id = $1 FOR UPDATE");
        let Some(intent) = find(session, sql, self.id).await? else { return Ok(Err(NotOpening::NoSuchIntent)) };
        let sql = "SELECT EXISTS (SELECT 1 FROM athm_transaction WHERE id = $1)";
        let is_recorded = session.one(sql, values![id], |row| row.boolean()).await?.unwrap_or_default();
        let begun = intent.begin(offset.to_server(self.now), is_recorded);
        let (sql, values) = match &begun {
            Ok(started) => (
                "UPDATE athm_payment_intent SET state = 'opening', attempts = $2, due_at = $3 WHERE id = $1",
                values![id, integer(started.attempt), offset.to_server(self.ends_at)],
            ),
            Err(NotOpening::Opened(_)) => (
                "UPDATE athm_payment_intent SET state = 'opened', phone = NULL, error = NULL WHERE id = $1 \
                 AND state <> 'opened'",
                values![id],
            ),
            Err(NotOpening::Failed(error)) => (
                "UPDATE athm_payment_intent SET state = 'failed', phone = NULL, error = $2 WHERE id = $1 AND state <> 'failed'",
                values![id, text(error)],
            ),
            Err(NotOpening::NoSuchIntent | NotOpening::UnderWay) => return Ok(begun),
        };
        session.execute(sql, values).await?;
        Ok(begun)
    }
}

impl Request for FinishOpening {
    type Written = ();
}

impl SingleRequest for FinishOpening {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<()> {
        let (id, attempt) = (*self.id.as_uuid(), integer(self.attempt));
        let (sql, values) = match &self.outcome {
            // Its payment is recorded, even if this opening counts as ended.
            OpeningOutcome::Opened(ecommerce_id) => (
                "UPDATE athm_payment_intent SET state = 'opened', ecommerce_id = $2, phone = NULL, error = NULL \
                 WHERE id = $1 AND state <> 'opened'",
                values![id, *ecommerce_id.as_uuid()],
            ),
            OpeningOutcome::Failed(error) => (
                "UPDATE athm_payment_intent SET state = 'failed', phone = NULL, error = $3 \
                 WHERE id = $1 AND attempts = $2 AND state = 'opening'",
                values![id, attempt, text(error)],
            ),
            OpeningOutcome::Again { due_at, error } => (
                "UPDATE athm_payment_intent SET state = 'due', due_at = least($3, deadline), error = $4 \
                 WHERE id = $1 AND attempts = $2 AND state = 'opening'",
                values![id, attempt, offset.to_server(*due_at), text(error)],
            ),
        };
        session.execute(sql, values).await.map(drop)
    }
}
