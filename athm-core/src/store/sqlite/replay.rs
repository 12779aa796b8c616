//! Deliveries that are due again.

use rusqlite::{Connection, params};

use super::deliveries::select_delivery;
use super::statement::{execute, one};
use crate::delivery::{DeliveryRecord, DeliveryState, ReplayError, ReplayOf, Run, What};
use crate::{DeliveryId, Event, EventId, Signal};

pub(super) fn replay(connection: &Connection, of: &ReplayOf) -> Result<Vec<DeliveryRecord>, ReplayError> {
    match &of.what {
        What::Delivery(id) => {
            let found =
                one(connection, select_delivery!("WHERE d.id = ?1"), [id.as_uuid()], |columns| columns.delivery())?;
            let mut delivery = found.ok_or(ReplayError::NotFound)?;
            of.refuse(&delivery)?;
            if let Some((receiver, signals)) = of.to.clone().filter(|(receiver, _)| *receiver != delivery.receiver) {
                if !signals.contains(&delivery.signal) {
                    return Err(ReplayError::NotListening { receiver });
                }
                if delivery_to(connection, delivery.event_id, delivery.signal, &receiver)?.is_some() {
                    return Err(ReplayError::AlreadyThere { receiver });
                }
                delivery.receiver = receiver;
            }
            Ok(vec![make_due(connection, delivery, of)?])
        }
        What::Event(id) => {
            let (receiver, signals) = of.to.as_ref().ok_or(ReplayError::NotFound)?;
            let sql = "SELECT id, transaction_id, transition, refund_amount, sender, rejection, created_at \
                       FROM athm_event WHERE id = ?1";
            let event =
                one(connection, sql, [id.as_uuid()], |columns| columns.event())?.ok_or(ReplayError::NotFound)?;
            let heard = event.transition.signals().iter().filter(|signal| signals.contains(signal));
            let replayed = heard.map(|signal| replay_signal(connection, &event, *signal, receiver, of));
            let replayed: Vec<_> = replayed.collect::<Result<_, _>>()?;
            if replayed.is_empty() {
                Err(ReplayError::NotListening { receiver: receiver.clone() })
            } else {
                Ok(replayed)
            }
        }
    }
}

fn replay_signal(
    connection: &Connection,
    event: &Event,
    signal: Signal,
    receiver: &str,
    of: &ReplayOf,
) -> Result<DeliveryRecord, ReplayError> {
    if let Some(delivery) = delivery_to(connection, event.id, signal, receiver)? {
        of.refuse(&delivery)?;
        return Ok(make_due(connection, delivery, of)?);
    }
    let delivery = DeliveryRecord {
        id: DeliveryId::new(),
        event_id: event.id,
        transaction_id: event.transaction_id,
        signal,
        receiver: receiver.to_owned(),
        state: DeliveryState::Due,
        attempts: 0,
        is_replay: true,
        due_at: of.now,
        error: None,
    };
    if of.run == Run::Real {
        let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
                   VALUES (?1, ?2, ?3, ?4, 'due', 0, 1, ?5, ?5)";
        let (id, event_id) = (delivery.id.as_uuid(), event.id.as_uuid());
        execute(connection, sql, params![id, event_id, signal.as_str(), receiver, of.now.as_microsecond()])?;
    }
    Ok(delivery)
}

fn delivery_to(
    connection: &Connection,
    event: EventId,
    signal: Signal,
    receiver: &str,
) -> rusqlite::Result<Option<DeliveryRecord>> {
    let sql = select_delivery!("WHERE d.event_id = ?1 AND d.signal = ?2 AND d.receiver = ?3");
    one(connection, sql, params![event.as_uuid(), signal.as_str(), receiver], |columns| columns.delivery())
}

fn make_due(connection: &Connection, delivery: DeliveryRecord, of: &ReplayOf) -> rusqlite::Result<DeliveryRecord> {
    if of.run == Run::Real {
        let sql = "UPDATE athm_delivery SET state = 'due', attempts = 0, is_replay = 1, due_at = ?2, receiver = ?3, \
                   error = NULL, finished_at = NULL WHERE id = ?1";
        execute(connection, sql, params![delivery.id.as_uuid(), of.now.as_microsecond(), delivery.receiver])?;
    }
    let (state, error) = (DeliveryState::Due, None);
    Ok(DeliveryRecord { state, attempts: 0, is_replay: true, due_at: of.now, error, ..delivery })
}
