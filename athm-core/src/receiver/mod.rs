//! What a receiver is, what it can ask for, and where the linker collects it.

mod answer;
mod call;
mod connected;
mod context;
mod delivery;
mod failure;
mod from_context;
mod info;
mod link;
mod linked;
mod options;
mod outcome;
mod pool;
mod receive;
mod state;

pub use self::answer::Answer;
pub(crate) use self::answer::Answered;
pub(crate) use self::call::call;
pub(crate) use self::connected::Connected;
pub use self::context::Context;
pub(crate) use self::context::SignalContext;
pub use self::delivery::Delivery;
pub use self::failure::Failure;
pub use self::from_context::{FromContext, Rejection};
pub use self::info::ReceiverInfo;
pub(crate) use self::linked::collected;
pub use self::linked::{ATHM_RECEIVERS_V1, Call, Lent, Parameter, Receiver, argument, boxed, outcome, parameter};
pub use self::options::ReceiverOptions;
pub use self::outcome::{BoxError, IntoOutcome, Outcome, ReceiverError};
pub use self::receive::Receive;
pub use self::state::{MissingState, State, States};
