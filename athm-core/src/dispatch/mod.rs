//! Who listens, and calling them: Django's signals, typed.

pub(crate) mod already_connected;
pub(crate) mod connection;
mod dispatcher;
mod receivers;
pub(crate) mod registry;
mod report;
mod run;
mod sorted;

pub use self::connection::{Connection, ConnectionGuard};
pub use self::dispatcher::Dispatcher;
pub(crate) use self::receivers::Snapshot;
pub(crate) use self::registry::Registry;
pub use self::report::{Report, ReportEntry};
pub use crate::receiver::{Answer, Failure, IntoOutcome, Load, Loaded, Receive, ReceiverInfo, ReceiverOptions, States};
