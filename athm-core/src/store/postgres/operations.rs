//! Operations: calls to the provider that may change a payment. Their intent is stored before the call.

use futures_util::future::try_join;
use jiff::Timestamp;
use secrecy::SecretString;

use super::fault::Result;
use super::find::with_details;
use super::refunds::{mark_not_done, refunds_of, write_refund};
use super::request::{BatchContext, Request, SingleRequest};
use super::session::Session;
use super::values::{Statements, integer, values};
use crate::models::{
    BeginOperation, BeginResult, LockedPayment, OperationOutcome, OperationResult, TransactionId, UnresolvedOperation,
};
use crate::store::damaged::DAMAGED_PAUSE;
use crate::store::limits::MAX_CLAIMED;
use crate::store::row::{Columns, intent_columns, select_transaction, unresolved_columns};
use crate::util::clock::{Clock, later};

impl Request for BeginOperation {
    type Written = BeginResult;
}

impl SingleRequest for BeginOperation {
    /// Stores an operation's intent, or says why it may not begin. An earlier attempt of the same operation is replaced:
    /// the rules allow another one only once the outcome of that was looked up.
    async fn execute(&self, BatchContext { session, offset, context }: BatchContext<'_>) -> Result<BeginResult> {
        let id = *self.transaction.as_uuid();
        let locked = locked(session, self.transaction).await?;
        let begun = context.policy.begin(self, offset.to_server(self.now), locked);
        if let Ok(started) = &begun {
            let (operation, ends_at) = (self.operation.as_str(), offset.to_server(self.ends_at));
            let mut statements = Statements::new();
            let sql = "DELETE FROM athm_operation WHERE transaction_id = $1 AND operation = $2";
            statements.push((sql, values![id, operation]));
            let sql = "INSERT INTO athm_operation (id, transaction_id, operation, is_under_way, ends_at, attempts, due_at) \
                       VALUES ($1, $2, $3, true, $4, 0, $4)";
            statements.push((sql, values![started.intent_id, id, operation, ends_at]));
            if let Some(refund) = &started.refund {
                write_refund(&mut statements, refund);
            }
            session.execute_all(statements).await?;
        }
        Ok(begun)
    }
}

/// The payment with its operations. Its row is locked until the transaction ends: everything that changes a payment or
/// its operations locks that row first, so that of two processes the second sees what the first has begun.
async fn locked(session: &Session, id: TransactionId) -> Result<Option<LockedPayment>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = $1 FOR UPDATE");
    let found = session.all(sql, values![*id.as_uuid()], |row| row.transaction()).await?;
    let Some(transaction) = with_details(session, found).await?.pop() else { return Ok(None) };
    let sql = "SELECT auth_token FROM athm_transaction WHERE id = $1";
    let token = session.one(sql, values![*id.as_uuid()], |row| row.get::<Option<String>>());
    let sql = concat!("SELECT ", intent_columns!(), " FROM athm_operation WHERE transaction_id = $1");
    let intents = session.all(sql, values![*id.as_uuid()], |row| row.intent());
    let (token, intents) = try_join(token, intents).await?;
    let refunds = refunds_of(session, vec![*id.as_uuid()]).await?.into_iter().collect();
    Ok(Some(LockedPayment { transaction, auth_token: token.flatten().map(SecretString::from), intents, refunds }))
}

impl Request for OperationResult {
    type Written = ();
}

impl SingleRequest for OperationResult {
    async fn execute(&self, BatchContext { session, offset, .. }: BatchContext<'_>) -> Result<()> {
        let (sql, values) = match self.outcome {
            OperationOutcome::NotDone => {
                let mut statements = Statements::new();
                mark_not_done(&mut statements, self.intent_id);
                return session.execute_all(statements).await;
            }
            OperationOutcome::Known => ("DELETE FROM athm_operation WHERE id = $1", values![self.intent_id]),
            OperationOutcome::Unknown { ended_at, due_at } => {
                let sql = "UPDATE athm_operation SET is_under_way = false, ends_at = $2, due_at = $3 WHERE id = $1";
                (sql, values![self.intent_id, offset.to_server(ended_at), offset.to_server(due_at)])
            }
        };
        session.execute(sql, values).await.map(drop)
    }
}

/// Claims operations whose outcome is due to be looked up, and sets when each is due again.
pub(super) struct ClaimUnresolvedOperations(pub(super) Timestamp);

impl Request for ClaimUnresolvedOperations {
    type Written = Vec<UnresolvedOperation>;
}

impl SingleRequest for ClaimUnresolvedOperations {
    async fn execute(
        &self,
        BatchContext { session, offset, .. }: BatchContext<'_>,
    ) -> Result<Vec<UnresolvedOperation>> {
        let now = offset.to_server(self.0);
        let sql = concat!(
            "SELECT ",
            unresolved_columns!(),
            " FROM athm_operation WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED"
        );
        let values = values![now, i64::from(MAX_CLAIMED)];
        let (found, damaged) = session.readable("athm_operation", sql, values, |row| row.unresolved()).await?;
        let leases = found.iter().map(|unresolved| {
            let sql = "UPDATE athm_operation SET attempts = $2, due_at = $3 WHERE id = $1";
            let attempts = integer(unresolved.attempts.saturating_add(1));
            (sql, values![unresolved.intent_id, attempts, unresolved.next_attempt_at(now)])
        });
        let mut statements: Statements<'_> = leases.collect();
        if !damaged.is_empty() {
            let due_at = later(now, DAMAGED_PAUSE);
            statements.push(("UPDATE athm_operation SET due_at = $2 WHERE id = ANY ($1)", values![damaged, due_at]));
        }
        session.execute_all(statements).await?;
        Ok(found)
    }
}

pub(super) async fn next_unresolved_operation(session: &Session, clock: &Clock) -> Result<Option<Timestamp>> {
    let offset = session.clock_offset(clock).await?;
    let sql = "SELECT min(due_at) FROM athm_operation";
    let next = session.one(sql, values![], |row| row.maybe_time()).await?;
    Ok(next.flatten().map(|next| offset.to_local(next)))
}
