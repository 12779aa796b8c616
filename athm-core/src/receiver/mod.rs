//! What a receiver is, what it can ask for, and where the linker collects it.

mod answer;
mod call;
pub(crate) mod completion_requests;
mod condition;
mod connected;
mod constants;
mod context;
mod customer;
mod delivery;
mod failure;
mod from_context;
mod images;
mod info;
mod link;
mod linked;
mod load;
mod nesting;
mod options;
mod outcome;
mod pool;
mod receive;
mod state;

pub use self::answer::Answer;
pub(crate) use self::answer::Answered;
pub(crate) use self::call::{Contained, call};
pub(crate) use self::condition::Condition;
pub(crate) use self::connected::Connected;
pub use self::constants::{SenderName, attempts, backoff, concurrency, id, timeout, was};
pub use self::context::Context;
pub(crate) use self::context::SignalContext;
pub use self::delivery::Delivery;
pub(crate) use self::delivery::{Database, DeliveryClaim};
pub use self::failure::Failure;
pub use self::from_context::{FromContext, Rejection};
pub(crate) use self::images::unlisted as unlisted_images;
pub use self::info::ReceiverInfo;
pub(crate) use self::linked::ReceiverFn;
pub(crate) use self::linked::collected;
pub use self::linked::{
    ATHM_RECEIVERS_V1, CANCELLED, COMPLETED, ContextRef, EXPIRED, Parameter, RECEIVED, REFUNDED, Receiver, argument,
    async_receiver, blocking_receiver, boxed, declared, outcome, parameter, sync_receiver,
};
pub use self::load::{Load, Loaded, declared_loaded, load, loaded};
pub(crate) use self::nesting::{LIMIT as NESTING_LIMIT, Nested};
pub use self::options::ReceiverOptions;
pub use self::outcome::{BoxError, IntoOutcome, Outcome, ReceiverError};
pub use self::receive::Receive;
pub use self::state::{MissingState, State, States};
