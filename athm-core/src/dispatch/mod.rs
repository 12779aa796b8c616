//! Who listens, and calling them: Django's signals, typed.

mod connection;
mod dispatcher;
mod receivers;
mod registry;
mod report;
mod run;
mod sorted;

pub use self::connection::{AlreadyConnected, Connection, ConnectionGuard};
pub use self::dispatcher::Dispatcher;
pub(crate) use self::receivers::Snapshot;
pub(crate) use self::registry::Registry;
pub use self::registry::index;
pub use self::report::{Report, ReportEntry};
