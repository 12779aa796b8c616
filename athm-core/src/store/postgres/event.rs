//! What happened to a payment, and who is to hear of it.

use jiff::Timestamp;

use super::session::{Statements, storable, text, values};
use crate::Event;
use crate::clock::later;
use crate::delivery::{Claimed, LEASE, Planned, Slot};
use crate::transaction::Transition;

pub(super) fn insert_event(statements: &mut Statements<'_>, event: &Event) {
    let Event { id, transaction_id, transition, sender, rejection, created_at } = event;
    let refund_amount = match transition {
        Transition::Refunded(refund) => Some(refund.amount.cents()),
        _ => None,
    };
    let sql = "INSERT INTO athm_event (id, transaction_id, transition, refund_amount, sender, rejection, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = values![
        *id.as_uuid(),
        *transaction_id.as_uuid(),
        text(&transition.key()),
        refund_amount,
        text(sender.as_str()),
        rejection.as_deref().map(text),
        storable(*created_at),
    ];
    statements.push((sql, values));
}

/// Those that get a slot are claimed as they are made; the others are due.
pub(super) fn insert_deliveries(
    statements: &mut Statements<'_>,
    event: &Event,
    deliveries: Vec<Planned>,
    slots: &mut impl Iterator<Item = Slot>,
    now: Timestamp,
) -> Vec<Claimed> {
    let sql = "INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, false, $7, $8)";
    let mut claimed = Vec::new();
    for planned in deliveries {
        let slot = slots.next();
        let (state, attempt, due_at) = if slot.is_some() { ("running", 1, later(now, LEASE)) } else { ("due", 0, now) };
        let Planned { id, signal, receiver } = &planned;
        let (id, event_id, created_at) = (*id.as_uuid(), *event.id.as_uuid(), storable(event.created_at));
        let (receiver, signal) = (receiver.clone(), signal.as_str());
        statements.push((sql, values![id, event_id, signal, receiver, state, attempt, due_at, created_at]));
        claimed.extend(slot.map(|slot| Claimed { planned, attempt: 1, is_replay: false, slot }));
    }
    claimed
}
