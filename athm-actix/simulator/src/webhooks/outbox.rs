//! What there is to tell, and what was told.

use std::collections::VecDeque;
use std::time::Duration;

use athm_core::{EcommerceId, Status, TransactionKind};
use fastrand::Rng;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;

use super::body::{Drawn, body};
use super::forged::forged;
use super::{Customers, Event, Subscription, WebhookFault, WebhookShape};
use crate::business::Business;
use crate::{SimulatedPayment, WebhookFaultRates, clock};

/// How long a webhook waits for the one that is to be sent before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// One webhook, as [`Simulator::webhooks`](crate::Simulator::webhooks) lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentWebhook {
    /// What sort of payment it tells of.
    pub kind: TransactionKind,
    /// The state that it tells of.
    pub state: Status,
    /// The payment (of a refund: the refund) in the simulator's books; an invented one, of some that are forged.
    pub payment: EcommerceId,
    /// What the simulator let go wrong.
    pub fault: Option<WebhookFault>,
    /// The HTTP status of the listener's answer; `None` as long as there is none.
    pub status: Option<u16>,
}

pub(crate) struct Webhooks {
    pub(crate) rates: WebhookFaultRates,
    shape: WebhookShape,
    customers: Customers,
    random: Rng,
    subscription: Option<Subscription>,
    queue: VecDeque<WebhookFault>,
    waiting: Vec<Waiting>,
    log: Vec<SentWebhook>,
}

/// A webhook that is to be sent.
struct Waiting {
    message: Message,
    due_at: Timestamp,
    /// Or as soon as another one is sent.
    behind_another: bool,
}

/// A webhook on its way.
pub(super) struct Message {
    pub(super) number: usize,
    pub(super) url: Url,
    pub(super) body: Value,
}

impl Webhooks {
    pub(crate) fn new(shape: WebhookShape, customers: Customers, rates: WebhookFaultRates, random: Rng) -> Self {
        Self {
            rates,
            shape,
            customers,
            random,
            subscription: None,
            queue: VecDeque::new(),
            waiting: Vec::new(),
            log: Vec::new(),
        }
    }

    pub(crate) fn subscribe(&mut self, subscription: Subscription) {
        self.subscription = Some(subscription);
    }

    pub(crate) fn listener(&self) -> Option<&Url> {
        self.subscription.as_ref().map(|subscription| &subscription.url)
    }

    /// The next webhook goes wrong.
    pub(crate) fn queue(&mut self, fault: WebhookFault) {
        self.queue.push_back(fault);
    }

    /// What goes wrong next, in the order in which it was asked for.
    pub(crate) fn queued(&self) -> impl Iterator<Item = &WebhookFault> {
        self.queue.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    pub(crate) fn log(&self) -> &[SentWebhook] {
        &self.log
    }

    /// Something has happened: the merchant hears of it, if it is of the kind that is told and wanted.
    pub(super) fn happened(&mut self, payment: &SimulatedPayment, business: &Business, now: Timestamp) {
        let Some(event) = Event::of(payment) else { return };
        let is_told = match event {
            Event::Cancelled | Event::Expired => self.customers == Customers::OnTheWeb,
            _ => true,
        };
        if !is_told || !self.subscription.as_ref().is_some_and(|subscription| subscription.wants(event)) {
            return;
        }
        let fault = self.queue.pop_front().or_else(|| self.rates.draw(&mut self.random));
        match fault {
            None => self.put(payment, business, fault, now, now),
            Some(WebhookFault::Lost) => self.note(payment, fault),
            Some(WebhookFault::Doubled) => {
                self.put(payment, business, fault, now, now);
                self.put(payment, business, fault, now, now);
            }
            Some(WebhookFault::Delayed(time)) => self.put(payment, business, fault, now, clock::after(now, time)),
            Some(WebhookFault::Reordered) => {
                self.put(payment, business, fault, now, clock::after(now, PATIENCE));
                if let Some(waiting) = self.waiting.last_mut() {
                    waiting.behind_another = true;
                }
            }
            Some(WebhookFault::Forged) => {
                let forged = forged(payment, &mut self.random);
                self.put(&forged, business, fault, now, now);
                self.put(payment, business, None, now, now);
            }
        }
    }

    /// Tells the merchant of a payment, whether it is in the books or not.
    pub(crate) fn send(&mut self, payment: &SimulatedPayment, business: &Business, now: Timestamp) {
        self.put(payment, business, None, now, now);
    }

    fn put(
        &mut self,
        payment: &SimulatedPayment,
        business: &Business,
        fault: Option<WebhookFault>,
        now: Timestamp,
        due_at: Timestamp,
    ) {
        let (Some(subscription), Some(event)) = (&self.subscription, Event::of(payment)) else { return };
        let body = body(event, payment, business, Drawn::from(self.shape, &mut self.random), now);
        let message = Message { number: self.log.len(), url: subscription.url.clone(), body };
        self.waiting.push(Waiting { message, due_at, behind_another: false });
        self.note(payment, fault);
    }

    fn note(&mut self, payment: &SimulatedPayment, fault: Option<WebhookFault>) {
        let (kind, state) = (payment.kind.clone(), payment.status.clone());
        self.log.push(SentWebhook { kind, state, payment: payment.ecommerce_id, fault, status: None });
    }

    /// What is to be sent now, in that order.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<Message> {
        let (mut due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.due_at <= now);
        let (behind, waiting) = waiting.into_iter().partition(|waiting| waiting.behind_another && !due.is_empty());
        self.waiting = waiting;
        due.extend::<Vec<_>>(behind);
        due.into_iter().map(|waiting| waiting.message).collect()
    }

    pub(super) fn answered(&mut self, number: usize, status: u16) {
        if let Some(webhook) = self.log.get_mut(number) {
            webhook.status = Some(status);
        }
    }
}
