//! A payment as it is to be written, with what follows from that.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tracing::Span;

use crate::models::{Event, RefundRecord, Transaction};
use crate::outbox::{ClaimedDelivery, EventDeliveries, NewDelivery, Outbox, Slot};
use crate::store::decide::Decision;
use crate::store::poll::PollPlan;
use crate::store::{Record, Recorded};

/// The deliveries of an event. One that has got a slot runs here as soon as it is committed.
pub(super) type Deliveries = Vec<(NewDelivery, Option<Slot>)>;

/// What was decided, and who may run what follows from it.
pub(super) struct Draft {
    pub(super) transaction: Transaction,
    pub(super) refunds: Vec<RefundRecord>,
    pub(super) events: Vec<(Event, Deliveries)>,
    pub(super) poll: PollPlan,
    auth_token: Option<SecretString>,
}

impl Draft {
    pub(super) fn of(decision: Decision, record: &Record, outbox: &Outbox) -> Self {
        let Decision { transaction, refunds, events, poll, .. } = decision;
        let planned = events.iter().map(|(_, deliveries)| deliveries.len()).sum();
        let mut slots = outbox.slots(planned).into_iter();
        let events = events.into_iter().map(|(event, deliveries)| {
            (event, deliveries.into_iter().map(|planned| (planned, slots.next())).collect())
        });
        let auth_token = record.auth_token.clone().filter(|_| !transaction.status.is_final());
        Self { events: events.collect(), auth_token, refunds, poll, transaction }
    }

    /// What authorizes it, as long as that can be.
    pub(super) fn auth_token(&self) -> Option<&str> {
        self.auth_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// What it has become when it is written, and what runs here.
    pub(super) fn recorded(self, span: &Span) -> (Recorded, Vec<EventDeliveries>) {
        let shared = Arc::new(self.transaction.clone());
        let mut recorded = Recorded { transaction: self.transaction, events: Vec::new() };
        let mut works = Vec::new();
        for (event, deliveries) in self.events {
            recorded.events.push(event.clone());
            let claimed = deliveries.into_iter().filter_map(|(planned, slot)| {
                Some(ClaimedDelivery { planned, attempt: 1, is_replay: false, slot: slot? })
            });
            let (transaction, event, span) = (Arc::clone(&shared), Arc::new(event), span.clone());
            works.push(EventDeliveries { transaction, event, deliveries: claimed.collect(), span });
        }
        (recorded, works)
    }
}
