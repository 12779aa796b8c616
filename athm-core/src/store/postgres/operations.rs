//! Calls to the provider, as they are written down.

use futures_util::future::try_join;
use jiff::Timestamp;
use secrecy::SecretString;

use super::DUE;
use super::fault::Result;
use super::find::{filled, select_transaction};
use super::job::{BatchContext, Request, Single};
use super::refunds::{not_done, refunds_of, write_refund};
use super::session::{Session, Statements, integer, values};
use crate::models::{
    BeginOperation, BeginResult, LockedPayment, OperationOutcome, OperationResult, TransactionId, UnresolvedOperation,
};
use crate::util::clock::Clock;

impl Request for BeginOperation {
    type Written = BeginResult;
}

impl Single for BeginOperation {
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<BeginResult> {
        let id = *self.transaction.as_uuid();
        let begun = self.decide(times.there(self.now), locked(session, self.transaction).await?);
        if let Ok(started) = &begun {
            let (operation, ends_at) = (self.operation.as_str(), times.there(self.ends_at));
            let mut statements = Statements::new();
            let sql = "DELETE FROM athm_operation WHERE transaction_id = $1 AND operation = $2";
            statements.push((sql, values![id, operation]));
            let sql = "INSERT INTO athm_operation (id, transaction_id, operation, is_under_way, ends_at, attempts, due_at) \
                       VALUES ($1, $2, $3, true, $4, 0, $4)";
            statements.push((sql, values![started.intent, id, operation, ends_at]));
            if let Some(refund) = &started.refund {
                write_refund(&mut statements, refund);
            }
            session.execute_all(statements).await?;
        }
        Ok(begun)
    }
}

/// The payment, locked.
async fn locked(session: &Session, id: TransactionId) -> Result<Option<LockedPayment>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = $1 FOR UPDATE");
    let found = session.all(sql, values![*id.as_uuid()], |columns| columns.transaction()).await?;
    let Some(transaction) = filled(session, found).await?.pop() else { return Ok(None) };
    let sql = "SELECT auth_token FROM athm_transaction WHERE id = $1";
    let token = session.one(sql, values![*id.as_uuid()], |columns| columns.get::<Option<String>>());
    let sql = "SELECT operation, is_under_way, ends_at FROM athm_operation WHERE transaction_id = $1";
    let intents = session.all(sql, values![*id.as_uuid()], |columns| columns.intent());
    let (token, intents) = try_join(token, intents).await?;
    let refunds = refunds_of(session, vec![*id.as_uuid()]).await?.into_iter().collect();
    Ok(Some(LockedPayment { transaction, auth_token: token.flatten().map(SecretString::from), intents, refunds }))
}

impl Request for OperationResult {
    type Written = ();
}

impl Single for OperationResult {
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<()> {
        let (sql, values) = match self.outcome {
            OperationOutcome::NotDone => {
                let mut statements = Statements::new();
                not_done(&mut statements, self.intent);
                return session.execute_all(statements).await;
            }
            OperationOutcome::Known => ("DELETE FROM athm_operation WHERE id = $1", values![self.intent]),
            OperationOutcome::Unknown { ended_at, due_at } => {
                let sql = "UPDATE athm_operation SET is_under_way = false, ends_at = $2, due_at = $3 WHERE id = $1";
                (sql, values![self.intent, times.there(ended_at), times.there(due_at)])
            }
        };
        session.execute(sql, values).await.map(drop)
    }
}

/// Calls into whose outcome it is time to look.
pub(super) struct Look(pub(super) Timestamp);

impl Request for Look {
    type Written = Vec<UnresolvedOperation>;
}

impl Single for Look {
    async fn execute(&self, BatchContext { session, times, .. }: BatchContext<'_>) -> Result<Vec<UnresolvedOperation>> {
        let now = times.there(self.0);
        let sql = "SELECT id, transaction_id, operation, attempts FROM athm_operation WHERE due_at <= $1 \
                   ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED";
        let found = session.all(sql, values![now, DUE], |columns| columns.unresolved()).await?;
        let put_off = found.iter().map(|unresolved| {
            let sql = "UPDATE athm_operation SET attempts = $2, due_at = $3 WHERE id = $1";
            let attempts = integer(unresolved.attempts.saturating_add(1));
            (sql, values![unresolved.intent, attempts, unresolved.next_attempt_at(now)])
        });
        session.execute_all(put_off.collect()).await?;
        Ok(found)
    }
}

pub(super) async fn next_unresolved(session: &Session, clock: &Clock) -> Result<Option<Timestamp>> {
    let times = session.times(clock).await?;
    let sql = "SELECT min(due_at) FROM athm_operation";
    let next = session.one(sql, values![], |columns| columns.maybe_time()).await?;
    Ok(next.flatten().map(|next| times.here(next)))
}
