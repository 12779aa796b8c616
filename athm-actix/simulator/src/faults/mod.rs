//! Faults: queued ones, random ones, and outages.

mod duration;
mod effect;
mod endpoint;
mod examples;
mod fault;
mod oddity;
mod outage;
mod rates;
mod schedule;
mod view;
mod webhook_fault;

pub use self::effect::Effect;
pub use self::endpoint::Endpoint;
use self::examples::texts;
pub use self::fault::Fault;
pub use self::oddity::Oddity;
pub use self::outage::Outage;
pub use self::rates::{FaultRates, Rates, WebhookFaultRates};
pub(super) use self::schedule::FaultSchedule;
pub use self::view::View;
pub use self::webhook_fault::WebhookFault;
