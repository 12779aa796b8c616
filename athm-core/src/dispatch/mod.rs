//! Who listens, and calling them: Django's `send_robust`, typed.

mod dispatcher;
mod registry;
mod report;
mod run;

pub use self::dispatcher::{AlreadyConnected, Dispatcher};
pub use self::registry::ReceiverInfo;
pub(crate) use self::registry::Registry;
pub use self::report::{Failure, Report, ReportEntry};
pub(crate) use self::run::{News, run};
