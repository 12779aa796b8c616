//! Telling the merchant of what happens.

mod body;
mod event;
mod fault;
mod forged;
mod outbox;
mod sender;
mod subscription;

pub(super) use self::event::Event;
pub use self::fault::WebhookFault;
pub use self::outbox::SentWebhook;
pub(super) use self::outbox::Webhooks;
pub(super) use self::sender::{client, run};
pub(super) use self::subscription::Subscription;

/// Which of the two shapes that live side by side webhooks have.
///
/// Only checkouts that were paid or cancelled have another shape today; everything else still has that of 2020.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WebhookShape {
    /// Lower case, texts throughout, no `ecommerceId`.
    V2020,
    /// Upper case, numbers, with `ecommerceId`.
    #[default]
    V4,
    /// Sometimes the one, sometimes the other.
    Either,
}

/// How customers pay, which decides what the merchant is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Customers {
    /// With the phone app: then the provider sends no webhook of a cancelled or expired payment.
    #[default]
    InTheApp,
    /// On the provider's web page: then it sends one.
    OnTheWeb,
}
