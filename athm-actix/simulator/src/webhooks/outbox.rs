//! Scheduled and sent webhooks.

use std::collections::VecDeque;
use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_core::{Status, TransactionKind};
use fastrand::Rng;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;

use super::body::{BodyShape, body};
use super::forged::forged;
use super::{Event, PaymentChannel, Subscription, WebhookShape};
use crate::business::Business;
use crate::clock;
use crate::faults::{WebhookFault, WebhookFaultRates};
use crate::payment::SimulatedPayment;

/// A reordered webhook is sent after this time if no other comes.
const REORDER_TIMEOUT: Duration = Duration::from_secs(5);

/// One webhook, as [`Simulator::webhooks`](crate::Simulator::webhooks) lists it.
///
/// ```
/// use athm_simulator::Simulator;
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::start().await?;
/// for webhook in simulator.webhooks() {
///     println!("{} {}: answered {:?}", webhook.kind, webhook.state, webhook.status);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentWebhook {
    /// The kind of payment that it reports.
    pub kind: TransactionKind,
    /// The status that it reports.
    pub state: Status,
    /// The payment or refund in the simulator's ledger; some forged webhooks name one that doesn't exist.
    pub payment: EcommerceId,
    /// The fault that was injected.
    pub fault: Option<WebhookFault>,
    /// The HTTP status of the listener's answer; `None` before it answers.
    pub status: Option<u16>,
}

pub(crate) struct Webhooks {
    pub(crate) rates: WebhookFaultRates,
    shape: WebhookShape,
    channel: PaymentChannel,
    random: Rng,
    subscription: Option<Subscription>,
    queue: VecDeque<WebhookFault>,
    scheduled: Vec<ScheduledWebhook>,
    log: Vec<SentWebhook>,
}

/// A webhook to be sent at a later time.
struct ScheduledWebhook {
    message: OutgoingWebhook,
    due_at: Timestamp,
    /// Sent as soon as another webhook is.
    after_next: bool,
}

/// A webhook that is due.
pub(crate) struct OutgoingWebhook {
    pub(crate) number: usize,
    pub(crate) url: Url,
    pub(crate) body: Value,
}

impl Webhooks {
    pub(crate) fn new(shape: WebhookShape, channel: PaymentChannel, rates: WebhookFaultRates, random: Rng) -> Self {
        Self {
            rates,
            shape,
            channel,
            random,
            subscription: None,
            queue: VecDeque::new(),
            scheduled: Vec::new(),
            log: Vec::new(),
        }
    }

    pub(crate) fn subscribe(&mut self, subscription: Subscription) {
        self.subscription = Some(subscription);
    }

    pub(crate) fn listener(&self) -> Option<&Url> {
        self.subscription.as_ref().map(|subscription| &subscription.url)
    }

    /// Queues a fault for the next webhook.
    pub(crate) fn queue(&mut self, fault: WebhookFault) {
        self.queue.push_back(fault);
    }

    /// The queued faults, in their order.
    pub(crate) fn queued(&self) -> impl Iterator<Item = &WebhookFault> {
        self.queue.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    pub(crate) fn log(&self) -> &[SentWebhook] {
        &self.log
    }

    /// Schedules the webhook of a changed payment, if its event is sent on this channel and subscribed.
    pub(crate) fn notify(&mut self, payment: &SimulatedPayment, business: &Business, now: Timestamp) {
        let Some(event) = Event::of(payment) else { return };
        let is_sent = match event {
            Event::Cancelled | Event::Expired => self.channel == PaymentChannel::Web,
            _ => true,
        };
        if !is_sent || !self.subscription.as_ref().is_some_and(|subscription| subscription.wants(event)) {
            return;
        }
        let fault = self.queue.pop_front().or_else(|| self.rates.draw(&mut self.random));
        match fault {
            None => self.schedule(payment, business, fault, now, now),
            Some(WebhookFault::Lost) => self.record(payment, fault),
            Some(WebhookFault::Doubled) => {
                self.schedule(payment, business, fault, now, now);
                self.schedule(payment, business, fault, now, now);
            }
            Some(WebhookFault::Delayed(time)) => self.schedule(payment, business, fault, now, clock::after(now, time)),
            Some(WebhookFault::Reordered) => {
                self.schedule(payment, business, fault, now, clock::after(now, REORDER_TIMEOUT));
                if let Some(scheduled) = self.scheduled.last_mut() {
                    scheduled.after_next = true;
                }
            }
            Some(WebhookFault::Forged) => {
                let forged = forged(payment, &mut self.random);
                self.schedule(&forged, business, fault, now, now);
                self.schedule(payment, business, None, now, now);
            }
        }
    }

    /// Schedules a webhook about a payment, which needn't be in the ledger.
    pub(crate) fn send(&mut self, payment: &SimulatedPayment, business: &Business, now: Timestamp) {
        self.schedule(payment, business, None, now, now);
    }

    fn schedule(
        &mut self,
        payment: &SimulatedPayment,
        business: &Business,
        fault: Option<WebhookFault>,
        now: Timestamp,
        due_at: Timestamp,
    ) {
        let (Some(subscription), Some(event)) = (&self.subscription, Event::of(payment)) else { return };
        let body = body(event, payment, business, BodyShape::draw(self.shape, &mut self.random), now);
        let message = OutgoingWebhook { number: self.log.len(), url: subscription.url.clone(), body };
        self.scheduled.push(ScheduledWebhook { message, due_at, after_next: false });
        self.record(payment, fault);
    }

    fn record(&mut self, payment: &SimulatedPayment, fault: Option<WebhookFault>) {
        let (kind, state) = (payment.kind.clone(), payment.status.clone());
        self.log.push(SentWebhook { kind, state, payment: payment.ecommerce_id, fault, status: None });
    }

    /// Takes the webhooks that are due, in sending order.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<OutgoingWebhook> {
        let (mut due, scheduled): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.scheduled).into_iter().partition(|scheduled| scheduled.due_at <= now);
        let (behind, scheduled) = scheduled.into_iter().partition(|scheduled| scheduled.after_next && !due.is_empty());
        self.scheduled = scheduled;
        due.extend::<Vec<_>>(behind);
        due.into_iter().map(|scheduled| scheduled.message).collect()
    }

    pub(crate) fn record_answer(&mut self, number: usize, status: u16) {
        if let Some(webhook) = self.log.get_mut(number) {
            webhook.status = Some(status);
        }
    }
}
