//! Subscribing to the provider's webhooks.

use std::fmt;

use reqwest::Url;
use serde_json::json;

use super::{Client, InvalidRequest, ProviderError};

const SUBSCRIBE: &str = "/transactions/webhook/post";

/// An event that the provider posts to a webhook.
///
/// ```
/// use athm_core::provider::{WebhookEvent, WebhookSubscription};
///
/// let checkouts = [WebhookEvent::EcommerceReceived, WebhookEvent::EcommerceCancelled, WebhookEvent::EcommerceExpired];
/// let subscription = WebhookSubscription::new("https://shop.example/athm/webhook").events(checkouts);
/// # let _ = subscription;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// A payment in the app, without a checkout.
    PaymentReceived,
    /// A donation in the app.
    DonationReceived,
    /// Money was given back.
    RefundSent,
    /// A checkout was paid.
    EcommerceReceived,
    /// A checkout was cancelled.
    EcommerceCancelled,
    /// A checkout was not approved in time.
    EcommerceExpired,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::PaymentReceived,
        Self::DonationReceived,
        Self::RefundSent,
        Self::EcommerceReceived,
        Self::EcommerceCancelled,
        Self::EcommerceExpired,
    ];

    const fn field(self) -> &'static str {
        match self {
            Self::PaymentReceived => "paymentReceivedEvent",
            Self::DonationReceived => "donationReceivedEvent",
            Self::RefundSent => "refundSentEvent",
            Self::EcommerceReceived => "ecommercePaymentReceivedEvent",
            Self::EcommerceCancelled => "ecommercePaymentCancelledEvent",
            Self::EcommerceExpired => "ecommercePaymentExpiredEvent",
        }
    }
}

/// Where the provider is to post what happens: [`Client::subscribe_webhook`].
///
/// Its `Debug` leaves out the path, which may hold a secret.
///
/// ```
/// use athm_core::provider::{WebhookEvent, WebhookSubscription};
///
/// let all = WebhookSubscription::new("https://shop.example/athm/webhook");
/// let refunds = WebhookSubscription::new("https://shop.example/athm/webhook").events([WebhookEvent::RefundSent]);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a subscription is sent by `Client::subscribe_webhook`"]
pub struct WebhookSubscription {
    url: String,
    events: Vec<WebhookEvent>,
}

impl WebhookSubscription {
    /// Every event, to that address: `https`, or anything on loopback when the provider is a simulator.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), events: WebhookEvent::ALL.to_vec() }
    }

    /// These events alone.
    pub fn events(mut self, events: impl Into<Vec<WebhookEvent>>) -> Self {
        self.events = events.into();
        self
    }
}

impl fmt::Debug for WebhookSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.parse().ok().and_then(|url: Url| url.host_str().map(str::to_owned));
        f.debug_struct("WebhookSubscription").field("host", &host).field("events", &self.events).finish()
    }
}

impl Client {
    /// Has the provider post what happens to an address (POST `webhook/post`), in place of any subscribed before. Sent
    /// once; safe to call again.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. What the provider answers isn't documented: whatever is no refusal is taken for a yes.
    pub async fn subscribe_webhook(&self, subscription: &WebhookSubscription) -> Result<(), ProviderError> {
        let refused = || ProviderError::from(InvalidRequest::Listener);
        let url: Url = subscription.url.parse().map_err(|_| refused())?;
        let takes = url.scheme() == "https" || (url.scheme() == "http" && self.www.scheme() == "http");
        if !takes {
            return Err(refused());
        }
        let mut body = json!({ "listenerURL": subscription.url });
        for event in WebhookEvent::ALL {
            body[event.field()] = subscription.events.contains(&event).into();
        }
        let call = self.post(&self.www, SUBSCRIBE).with(&self.with_tokens(body));
        match call.send_once().await {
            Err(ProviderError::NoJson { status: 200..300 }) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
