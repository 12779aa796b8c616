//! Webhooks: which changes are reported, in which shape, and with which faults.

mod body;
mod event;
mod forged;
mod outbox;
mod subscription;

pub(super) use self::event::Event;
pub use self::outbox::SentWebhook;
pub(crate) use self::outbox::{OutgoingWebhook, Webhooks};
pub(super) use self::subscription::Subscription;

/// The shape of webhooks. The provider uses both.
///
/// Only completed and cancelled checkouts have the v4 shape; all other events have that of 2020.
///
/// ```
/// use athm_simulator::{Simulator, WebhookShape};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::builder().webhook_shape(WebhookShape::V2020).start().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WebhookShape {
    /// Lower case, all values are texts, no `ecommerceId`.
    V2020,
    /// Upper case, numbers, with `ecommerceId`.
    #[default]
    V4,
    /// One of the two at random.
    Mixed,
}

/// How customers pay, which decides whether cancelled and expired payments have webhooks.
///
/// ```
/// use athm_simulator::{PaymentChannel, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::builder().payment_channel(PaymentChannel::Web).start().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PaymentChannel {
    /// In the phone app: no webhook is sent of cancelled and expired payments.
    #[default]
    App,
    /// On the provider's web page: webhooks are sent of them, too.
    Web,
}
