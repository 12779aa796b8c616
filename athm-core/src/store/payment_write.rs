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
    Admission, Attempt, CUSTOMER_WAIT, ClaimId, ClaimedDelivery, DeliveryState, EventDeliveries, Handover, LEASE,
    NewDelivery, Outbox,
};
use crate::util::clock::later;

/// The deliveries of an event. One that is admitted is inserted as claimed, and runs here right after the commit; the
/// others are inserted as due.
pub(super) type PlannedDeliveries = Vec<(NewDelivery, Option<Admission>)>;

/// What [`decide`](super::Policy::decide) decided, and the permits for what follows from it.
pub(super) struct PaymentWrite {
    pub(super) transaction: Transaction,
    pub(super) refunds: Vec<RefundRecord>,
    pub(super) events: Vec<(Event, PlannedDeliveries)>,
    pub(super) poll: PollPlan,
    /// Whether the payment's customer became known, for which deliveries may have waited.
    pub(super) releases_waiting: bool,
    /// The claim of the deliveries that are admitted.
    pub(super) claim: ClaimId,
    auth_token: Option<SecretString>,
    /// Before the leases of that claim begin.
    claimed_at: Timestamp,
}

impl PaymentWrite {
    /// Takes permits for the deliveries, as many as are free. Dropping it without a commit frees them.
    pub(super) fn new(decision: Decision, observation: &Observation, outbox: &Outbox) -> Self {
        let Decision { transaction, refunds, events, poll, releases_waiting, .. } = decision;
        let deliveries = events.iter().flat_map(|(_, deliveries)| deliveries);
        let running_now = deliveries.filter(|delivery| !delivery.waits_for_customer);
        let mut admitted = outbox.admit(running_now.map(|delivery| delivery.receiver.as_str())).into_iter();
        let events = events.into_iter().map(|(event, deliveries)| {
            let planned = deliveries.into_iter().map(|delivery| {
                let admission = if delivery.waits_for_customer { None } else { admitted.next().flatten() };
                (delivery, admission)
            });
            (event, planned.collect())
        });
        let auth_token = observation.auth_token.clone().filter(|_| !transaction.status.is_final());
        let (claim, claimed_at) = (ClaimId::new(), outbox.now());
        Self { events: events.collect(), auth_token, refunds, poll, releases_waiting, claim, claimed_at, transaction }
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
            let deliveries = deliveries.into_iter().filter_map(|(delivery, admission)| {
                let (attempt, admission) = (Attempt::first(self.claim), admission?);
                Some(ClaimedDelivery { delivery, attempt, is_replay: false, admission, suspect: None })
            });
            let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
            let (deliveries, claimed_at) = (deliveries.collect(), self.claimed_at);
            claimed.push(EventDeliveries { transaction, event, deliveries, claimed_at, span });
        }
        (recorded, Handover { claimed, has_released: self.releases_waiting })
    }
}

/// With which state, claim and due time a delivery is inserted. One that is admitted is claimed.
pub(super) fn inserted_as(
    delivery: &NewDelivery,
    admission: Option<&Admission>,
    claim: ClaimId,
    now: Timestamp,
) -> (DeliveryState, Option<ClaimId>, Timestamp) {
    match admission {
        Some(_) => (DeliveryState::Running, Some(claim), later(now, LEASE)),
        None if delivery.waits_for_customer => (DeliveryState::Due, None, later(now, CUSTOMER_WAIT)),
        None => (DeliveryState::Due, None, now),
    }
}
