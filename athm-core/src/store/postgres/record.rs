//! A payment as it was seen becomes a payment as it is recorded.

use std::sync::Arc;

use futures_util::future::try_join;
use secrecy::ExposeSecret;
use tracing::Span;
use uuid::Uuid;

use super::event::{insert_deliveries, insert_event};
use super::fault::{Fault, Result};
use super::find::{filled, ids, select_transaction};
use super::payment::{insert, merge, settle, update};
use super::session::{Session, Statements, text, values};
use super::writer::{About, Request, Turn};
use crate::delivery::Work;
use crate::store::decide::{Stored, Write};
use crate::store::{PaymentKey, Record, Recorded, SetUp};
use crate::{ReferenceNumber, Transaction};

/// A payment as it was seen, and where.
pub(super) struct Recording {
    pub(super) record: Record,
    pub(super) span: Span,
}

impl Request for Recording {
    type Written = (Recorded, Vec<Work>);
    type Answer = Recorded;

    fn about(&self) -> About {
        let observed = &self.record.observed;
        let ticket = observed.ecommerce_id.map(PaymentKey::Ecommerce);
        let reference = observed.reference_number.clone().map(PaymentKey::Reference);
        About::These([ticket, reference].iter().flatten().map(ToString::to_string).collect())
    }

    async fn execute(&self, turn: Turn<'_>) -> Result<Self::Written> {
        let Self { record, span } = self;
        let rows = stored(turn.session, &record.observed).await?;
        let decision = turn.set_up.policy.decide(rows, record).map_err(Fault::Refused)?;
        let transaction = decision.transaction;
        let mut statements = Statements::new();
        if let Some(other) = decision.merged {
            merge(&mut statements, other, transaction.id);
        }
        match decision.write {
            Write::Insert => insert(&mut statements, &transaction),
            Write::Update => update(&mut statements, &transaction),
            Write::Nothing => {}
        }
        if transaction.status.is_final() {
            settle(&mut statements, &transaction, decision.write);
        } else if let Some(token) = &record.auth_token {
            let sql = "UPDATE athm_transaction SET auth_token = $2 WHERE id = $1";
            statements.push((sql, values![*transaction.id.as_uuid(), text(token.expose_secret())]));
        }
        let planned = decision.events.iter().map(|(_, deliveries)| deliveries.len()).sum();
        let mut slots = turn.set_up.outbox.slots(planned).into_iter();
        let now = turn.times.there(turn.set_up.clock.steady());
        let shared = Arc::new(transaction.clone());
        let mut recorded = Recorded { transaction: transaction.clone(), events: Vec::new() };
        let mut works = Vec::new();
        for (event, deliveries) in decision.events {
            insert_event(&mut statements, &event);
            recorded.events.push(event.clone());
            let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
            let deliveries = insert_deliveries(&mut statements, &event, deliveries, &mut slots, now);
            works.push(Work { transaction, event, deliveries, span });
        }
        turn.session.execute_all(statements).await?;
        Ok((recorded, works))
    }

    fn committed(self, (recorded, works): Self::Written, set_up: &SetUp) -> Recorded {
        works.into_iter().for_each(|work| set_up.outbox.hand_over(work));
        recorded
    }
}

/// The rows that carry one of its names, locked, with the steps that they have taken.
async fn stored(session: &Session, observed: &Transaction) -> Result<Vec<Stored>> {
    let sql = select_transaction!(
        "FROM athm_transaction t WHERE t.ecommerce_id = $1 OR t.reference_number = $2 ORDER BY t.id FOR UPDATE"
    );
    let ecommerce_id = observed.ecommerce_id.map(|id| *id.as_uuid());
    let reference = observed.reference_number.as_ref().map(ReferenceNumber::as_str);
    let found = session.all(sql, values![ecommerce_id, reference], |columns| columns.transaction()).await?;
    let sql = "SELECT transaction_id, transition FROM athm_event WHERE transaction_id = ANY ($1)";
    let steps = session.all(sql, values![ids(&found)], |columns| Ok((columns.get::<Uuid>()?, columns.get()?)));
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let (found, steps): (_, Vec<(Uuid, String)>) = try_join(filled(session, found), steps).await?;
    let stored = found.into_iter().map(|transaction| {
        let id = *transaction.id.as_uuid();
        let fired = steps.iter().filter(|(of, _)| *of == id).map(|(_, step)| step.clone()).collect();
        Stored { transaction, fired }
    });
    Ok(stored.collect())
}
