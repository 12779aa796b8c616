//! A payment as it is to be written, with the events and deliveries that follow from it.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tracing::Span;

use super::decide::Decision;
use super::poll::PollPlan;
use super::{Observation, Recorded};
use crate::models::{Event, RefundRecord, Transaction};
use crate::outbox::{
    Attempt, CUSTOMER_WAIT, ClaimId, ClaimedDelivery, DeliveryState, EventDeliveries, Handover, LEASE, NewDelivery,
    Outbox, Slot,
};
use crate::util::clock::later;

/// The deliveries of an event. One that has a slot is inserted as claimed, and runs here right after the commit; the
/// others are inserted as due.
pub(super) type PlannedDeliveries = Vec<(NewDelivery, Option<Slot>)>;

/// What [`decide`](super::Policy::decide) decided, and the slots for what follows from it.
pub(super) struct PaymentWrite {
    pub(super) transaction: Transaction,
    pub(super) refunds: Vec<RefundRecord>,
    pub(super) events: Vec<(Event, PlannedDeliveries)>,
    pub(super) poll: PollPlan,
    /// Whether the payment's customer became known, for which deliveries may have waited.
    pub(super) releases_waiting: bool,
    /// The claim of the deliveries that have a slot.
    pub(super) claim: ClaimId,
    auth_token: Option<SecretString>,
}

impl PaymentWrite {
    /// Takes slots for the deliveries, as many as are free. Dropping it without a commit frees them.
    pub(super) fn new(decision: Decision, observation: &Observation, outbox: &Outbox) -> Self {
        let Decision { transaction, refunds, events, poll, releases_waiting, .. } = decision;
        let may_run =
            |delivery: &NewDelivery| !delivery.waits_for_customer && !outbox.limits.is_reached(&delivery.receiver);
        let wanted = events.iter().flat_map(|(_, deliveries)| deliveries).filter(|delivery| may_run(delivery)).count();
        let mut slots = outbox.take_slots(wanted).into_iter();
        let events = events.into_iter().map(|(event, deliveries)| {
            let planned = deliveries.into_iter().map(|delivery| {
                let slot = if may_run(&delivery) { slots.next() } else { None };
                (delivery, slot)
            });
            (event, planned.collect())
        });
        let auth_token = observation.auth_token.clone().filter(|_| !transaction.status.is_final());
        let claim = ClaimId::new();
        Self { events: events.collect(), auth_token, refunds, poll, releases_waiting, claim, transaction }
    }

    /// The secret that authorizes the payment; a final payment needs none.
    pub(super) fn auth_token(&self) -> Option<&str> {
        self.auth_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The answer for the caller, and what the worker gets, once the write is committed.
    pub(super) fn recorded(self, span: &Span) -> (Recorded, Handover) {
        let shared = Arc::new(self.transaction.clone());
        let mut recorded = Recorded { transaction: self.transaction, events: Vec::new() };
        let mut claimed = Vec::new();
        for (event, deliveries) in self.events {
            recorded.events.push(event.clone());
            let deliveries = deliveries.into_iter().filter_map(|(delivery, slot)| {
                let attempt = Attempt::first(self.claim);
                Some(ClaimedDelivery { delivery, attempt, is_replay: false, slot: slot?, suspect: None })
            });
            let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
            claimed.push(EventDeliveries { transaction, event, deliveries: deliveries.collect(), span });
        }
        (recorded, Handover { claimed, has_released: self.releases_waiting })
    }
}

/// With which state, claim and due time a delivery is inserted. One with a slot is claimed.
pub(super) fn inserted_as(
    delivery: &NewDelivery,
    slot: Option<&Slot>,
    claim: ClaimId,
    now: Timestamp,
) -> (DeliveryState, Option<ClaimId>, Timestamp) {
    match slot {
        Some(_) => (DeliveryState::Running, Some(claim), later(now, LEASE)),
        None if delivery.waits_for_customer => (DeliveryState::Due, None, later(now, CUSTOMER_WAIT)),
        None => (DeliveryState::Due, None, now),
    }
}
