//! The two views of a payment at the provider.

use std::fmt;

/// Where the provider shows a payment's state. Each view may lag behind on its own.
///
/// ```
/// use std::time::Duration;
/// use athm_simulator::{Simulator, View};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// simulator.set_lag(View::Search, Duration::from_secs(30)); // search knows a new reference after 30 s
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum View {
    /// `findPayment`.
    Find,
    /// `searchTransaction` and `transactionReport`.
    Search,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Find => "find",
            Self::Search => "search",
        })
    }
}
