//! Calls to the provider, as they are written down.

use futures_util::future::try_join;
use jiff::Timestamp;
use secrecy::SecretString;

use super::DUE;
use super::fault::Result;
use super::find::{filled, select_transaction};
use super::job::{Request, Single, Turn};
use super::refunds::{not_done, refunds_of, write_refund};
use super::session::{Session, Statements, integer, values};
use crate::models::{Beginning, Begun, Conclusion, OperationOutcome, Standing, TransactionId, Unsettled};
use crate::util::clock::Clock;

impl Request for Beginning {
    type Written = Begun;
}

impl Single for Beginning {
    async fn execute(&self, Turn { session, times, .. }: Turn<'_>) -> Result<Begun> {
        let id = *self.transaction.as_uuid();
        let begun = self.decide(times.there(self.now), standing(session, self.transaction).await?);
        if let Ok(going) = &begun {
            let (operation, ends_at) = (self.operation.as_str(), times.there(self.ends_at));
            let mut statements = Statements::new();
            let sql = "DELETE FROM athm_intent WHERE transaction_id = $1 AND operation = $2";
            statements.push((sql, values![id, operation]));
            let sql = "INSERT INTO athm_intent (id, transaction_id, operation, is_under_way, ends_at, looks, due_at) \
                       VALUES ($1, $2, $3, true, $4, 0, $4)";
            statements.push((sql, values![going.intent, id, operation, ends_at]));
            if let Some(refund) = &going.refund {
                write_refund(&mut statements, refund);
            }
            session.execute_all(statements).await?;
        }
        Ok(begun)
    }
}

/// The payment, locked.
async fn standing(session: &Session, id: TransactionId) -> Result<Option<Standing>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = $1 FOR UPDATE");
    let found = session.all(sql, values![*id.as_uuid()], |columns| columns.transaction()).await?;
    let Some(transaction) = filled(session, found).await?.pop() else { return Ok(None) };
    let sql = "SELECT auth_token FROM athm_transaction WHERE id = $1";
    let token = session.one(sql, values![*id.as_uuid()], |columns| columns.get::<Option<String>>());
    let sql = "SELECT operation, is_under_way, ends_at FROM athm_intent WHERE transaction_id = $1";
    let intents = session.all(sql, values![*id.as_uuid()], |columns| columns.intent());
    let (token, intents) = try_join(token, intents).await?;
    let refunds = refunds_of(session, vec![*id.as_uuid()]).await?.into_iter().collect();
    Ok(Some(Standing { transaction, auth_token: token.flatten().map(SecretString::from), intents, refunds }))
}

impl Request for Conclusion {
    type Written = ();
}

impl Single for Conclusion {
    async fn execute(&self, Turn { session, times, .. }: Turn<'_>) -> Result<()> {
        let (sql, values) = match self.outcome {
            OperationOutcome::NotDone => {
                let mut statements = Statements::new();
                not_done(&mut statements, self.intent);
                return session.execute_all(statements).await;
            }
            OperationOutcome::Known => ("DELETE FROM athm_intent WHERE id = $1", values![self.intent]),
            OperationOutcome::Unknown { ended_at, due_at } => {
                let sql = "UPDATE athm_intent SET is_under_way = false, ends_at = $2, due_at = $3 WHERE id = $1";
                (sql, values![self.intent, times.there(ended_at), times.there(due_at)])
            }
        };
        session.execute(sql, values).await.map(drop)
    }
}

/// Calls into whose outcome it is time to look.
pub(super) struct Look(pub(super) Timestamp);

impl Request for Look {
    type Written = Vec<Unsettled>;
}

impl Single for Look {
    async fn execute(&self, Turn { session, times, .. }: Turn<'_>) -> Result<Vec<Unsettled>> {
        let now = times.there(self.0);
        let sql = "SELECT id, transaction_id, operation, looks FROM athm_intent WHERE due_at <= $1 \
                   ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED";
        let found = session.all(sql, values![now, DUE], |columns| columns.unsettled()).await?;
        let put_off = found.iter().map(|unsettled| {
            let sql = "UPDATE athm_intent SET looks = $2, due_at = $3 WHERE id = $1";
            let looks = integer(unsettled.looks.saturating_add(1));
            (sql, values![unsettled.intent, looks, unsettled.next_look(now)])
        });
        session.execute_all(put_off.collect()).await?;
        Ok(found)
    }
}

pub(super) async fn next_unsettled(session: &Session, clock: &Clock) -> Result<Option<Timestamp>> {
    let times = session.times(clock).await?;
    let sql = "SELECT min(due_at) FROM athm_intent";
    let next = session.one(sql, values![], |columns| columns.maybe_time()).await?;
    Ok(next.flatten().map(|next| times.here(next)))
}
