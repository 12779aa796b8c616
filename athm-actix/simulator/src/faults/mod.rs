//! Faults: queued ones and random ones.

mod endpoint;
mod fault;
mod outage;
mod rates;
mod schedule;
mod webhook_fault;

pub use self::endpoint::Endpoint;
pub use self::fault::{Effect, Fault};

pub use self::outage::Outage;
pub use self::rates::{FaultRates, Rates, WebhookFaultRates};
pub(super) use self::schedule::FaultSchedule;
pub use self::webhook_fault::WebhookFault;
