//! Who listens, and calling them: Django's signals, typed.

mod call;
mod connected;
mod connection;
mod dispatcher;
mod info;
mod options;
mod pool;
mod receivers;
mod registry;
mod report;
mod run;
mod sorted;

pub(crate) use self::call::call;
pub(crate) use self::connected::Connected;
pub use self::connection::{AlreadyConnected, Connection, ConnectionGuard};
pub use self::dispatcher::Dispatcher;
pub use self::info::ReceiverInfo;
pub use self::options::ReceiverOptions;
pub(crate) use self::receivers::Snapshot;
pub(crate) use self::registry::Registry;
pub use self::registry::index;
pub use self::report::{Failure, Report, ReportEntry};
