//! Who listens, and calling them: Django's `send_robust`, typed.

mod call;
mod dispatcher;
mod registry;
mod report;
mod run;

pub(crate) use self::call::call;
pub use self::dispatcher::{AlreadyConnected, Dispatcher};
pub use self::registry::ReceiverInfo;
pub(crate) use self::registry::Registry;
pub use self::report::{Failure, Report, ReportEntry};
use self::run::{News, run};
