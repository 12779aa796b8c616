//! Deliveries that are due again.

use jiff::Timestamp;

use super::deliveries::select_delivery;
use super::fault::{Fault, Result};
use super::job::{Request, Single, Turn};
use super::session::{Session, Values, values};
use crate::delivery::{DeliveryRecord, DeliveryState, ReplayError, ReplayOf, Run, What};
use crate::{DeliveryId, EventId, Signal};

impl Request for ReplayOf {
    type Written = std::result::Result<Vec<DeliveryRecord>, ReplayError>;
}

impl Single for ReplayOf {
    async fn execute(&self, turn: Turn<'_>) -> Result<Self::Written> {
        let planned = match replay(turn.session, self, turn.times.there(self.now)).await {
            Ok(planned) => planned,
            Err(Unreplayed::Fault(fault)) => return Err(fault),
            Err(Unreplayed::Refused(error)) => return Ok(Err(error)),
        };
        // Nothing is written before all of it may be.
        if self.run == Run::Real {
            turn.session.execute_all(planned.iter().map(make_due).collect()).await?;
        }
        Ok(Ok(planned))
    }
}

enum Unreplayed {
    Fault(Fault),
    Refused(ReplayError),
}

impl From<Fault> for Unreplayed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ReplayError> for Unreplayed {
    fn from(error: ReplayError) -> Self {
        Self::Refused(error)
    }
}

/// The deliveries as they are to be.
async fn replay(
    session: &Session,
    of: &ReplayOf,
    now: Timestamp,
) -> std::result::Result<Vec<DeliveryRecord>, Unreplayed> {
    let again = |delivery| DeliveryRecord {
        state: DeliveryState::Due,
        attempts: 0,
        is_replay: true,
        due_at: now,
        error: None,
        ..delivery
    };
    match &of.what {
        What::Delivery(id) => {
            let sql = select_delivery!("WHERE d.id = $1 FOR UPDATE OF d");
            let found = session.one(sql, values![*id.as_uuid()], |columns| columns.delivery()).await?;
            let mut delivery = found.ok_or(ReplayError::NotFound)?;
            of.refuse(&delivery)?;
            if let Some((receiver, signals)) = of.to.clone().filter(|(receiver, _)| *receiver != delivery.receiver) {
                if !signals.contains(&delivery.signal) {
                    return Err(ReplayError::NotListening { receiver }.into());
                }
                if delivery_to(session, delivery.event_id, delivery.signal, &receiver).await?.is_some() {
                    return Err(ReplayError::AlreadyThere { receiver }.into());
                }
                delivery.receiver = receiver;
            }
            Ok(vec![again(delivery)])
        }
        What::Event(id) => {
            let (receiver, signals) = of.to.as_ref().ok_or(ReplayError::NotFound)?;
            let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                       FROM athm_event WHERE id = $1";
            let event = session.one(sql, values![*id.as_uuid()], |columns| columns.event()).await?;
            let event = event.ok_or(ReplayError::NotFound)?;
            let mut replayed = Vec::new();
            for signal in event.transition.signals().iter().filter(|signal| signals.contains(signal)) {
                let delivery = delivery_to(session, event.id, *signal, receiver).await?;
                if let Some(delivery) = &delivery {
                    of.refuse(delivery)?;
                }
                replayed.push(again(delivery.unwrap_or_else(|| DeliveryRecord {
                    id: DeliveryId::new(),
                    event_id: event.id,
                    transaction_id: event.transaction_id,
                    signal: *signal,
                    receiver: receiver.clone(),
                    state: DeliveryState::Due,
                    attempts: 0,
                    is_replay: true,
                    due_at: now,
                    error: None,
                })));
            }
            if replayed.is_empty() {
                return Err(ReplayError::NotListening { receiver: receiver.clone() }.into());
            }
            Ok(replayed)
        }
    }
}

async fn delivery_to(
    session: &Session,
    event: EventId,
    signal: Signal,
    receiver: &str,
) -> Result<Option<DeliveryRecord>> {
    let sql = select_delivery!("WHERE d.event_id = $1 AND d.signal = $2 AND d.receiver = $3 FOR UPDATE OF d");
    session.one(sql, values![*event.as_uuid(), signal.as_str(), receiver], |columns| columns.delivery()).await
}

/// Makes it due, or makes it.
fn make_due(delivery: &DeliveryRecord) -> (&'static str, Values<'static>) {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES ($1, $2, $3, $4, 'due', 0, true, $5, $5) \
               ON CONFLICT (id) DO UPDATE SET state = 'due', attempts = 0, is_replay = true, due_at = excluded.due_at, \
               receiver = excluded.receiver, error = NULL, finished_at = NULL";
    let DeliveryRecord { id, event_id, signal, receiver, due_at, .. } = delivery;
    (sql, values![*id.as_uuid(), *event_id.as_uuid(), signal.as_str(), receiver.clone(), *due_at])
}
