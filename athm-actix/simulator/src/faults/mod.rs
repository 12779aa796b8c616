//! Requests that go wrong, because somebody asked for it or by chance.

mod endpoint;
mod fault;
mod interfere;
mod outage;
mod plan;
mod rates;

pub use self::endpoint::Endpoint;
pub use self::fault::{Effect, Fault};
pub(super) use self::fault::{read, written};
pub(super) use self::interfere::interfere;
pub use self::outage::Outage;
pub(super) use self::plan::Plan;
pub use self::rates::{FaultRates, Rates, WebhookFaultRates};
