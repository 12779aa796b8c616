//! A payment as it is to be written, with the events and deliveries that follow from it.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tracing::Span;

use super::decide::Decision;
use super::poll::PollPlan;
use super::{Observation, Recorded};
use crate::models::{Event, RefundRecord, Transaction};
use crate::outbox::{ClaimedDelivery, EventDeliveries, NewDelivery, Outbox, Slot};

/// The deliveries of an event. One that has a slot is inserted as claimed, and runs here right after the commit; the
/// others are inserted as due.
pub(super) type PlannedDeliveries = Vec<(NewDelivery, Option<Slot>)>;

/// What [`decide`](super::Policy::decide) decided, and the slots for what follows from it.
pub(super) struct PaymentWrite {
    pub(super) transaction: Transaction,
    pub(super) refunds: Vec<RefundRecord>,
    pub(super) events: Vec<(Event, PlannedDeliveries)>,
    pub(super) poll: PollPlan,
    auth_token: Option<SecretString>,
}

impl PaymentWrite {
    /// Takes slots for the deliveries, as many as are free. Dropping it without a commit frees them.
    pub(super) fn new(decision: Decision, observation: &Observation, outbox: &Outbox) -> Self {
        let Decision { transaction, refunds, events, poll, .. } = decision;
        let wanted = events.iter().map(|(_, deliveries)| deliveries.len()).sum();
        let mut slots = outbox.take_slots(wanted).into_iter();
        let events = events.into_iter().map(|(event, deliveries)| {
            (event, deliveries.into_iter().map(|delivery| (delivery, slots.next())).collect())
        });
        let auth_token = observation.auth_token.clone().filter(|_| !transaction.status.is_final());
        Self { events: events.collect(), auth_token, refunds, poll, transaction }
    }

    /// The secret that authorizes the payment; a final payment needs none.
    pub(super) fn auth_token(&self) -> Option<&str> {
        self.auth_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The answer for the caller, and the deliveries that run here, once the write is committed.
    pub(super) fn recorded(self, span: &Span) -> (Recorded, Vec<EventDeliveries>) {
        let shared = Arc::new(self.transaction.clone());
        let mut recorded = Recorded { transaction: self.transaction, events: Vec::new() };
        let mut claimed = Vec::new();
        for (event, deliveries) in self.events {
            recorded.events.push(event.clone());
            let deliveries = deliveries.into_iter().filter_map(|(delivery, slot)| {
                Some(ClaimedDelivery { delivery, attempt: 1, is_replay: false, slot: slot? })
            });
            let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
            claimed.push(EventDeliveries { transaction, event, deliveries: deliveries.collect(), span });
        }
        (recorded, claimed)
    }
}
