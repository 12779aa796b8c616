//! The handle of a running simulator.

mod builder;
mod faults;
mod payments;
mod webhooks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use athm_core::ids::EcommerceId;

pub use self::builder::SimulatorBuilder;
use crate::error::SimulatorError;
use crate::payment::SimulatedPayment;
use crate::request_log::ReceivedRequest;
use crate::server::Server;
use crate::shared::Shared;

/// A running stand-in for ATH Móvil's servers; the [crate's page](crate) has examples.
///
/// Clones are handles of the same simulator. It stops with [`stop`](Self::stop), or when the last handle is dropped.
///
/// ```
/// use athm_core::Amount;
/// use athm_simulator::{SimulatedPayment, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::start().await?;
/// let id = simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)));
/// simulator.approve(&id)?;
/// simulator.stop().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Simulator {
    pub(super) shared: Arc<Shared>,
    server: Arc<Server>,
}

impl Simulator {
    /// Starts a simulator on a free loopback port, from any async runtime.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Bind`] or [`SimulatorError::Start`].
    pub async fn start() -> Result<Self, SimulatorError> {
        Self::builder().start().await
    }

    /// Sets up a simulator with a port, tokens, a business, a clock or faults.
    ///
    /// ```
    /// use athm_simulator::Simulator;
    ///
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let simulator = Simulator::builder().private_token("private-for-tests").start().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::new()
    }

    pub(super) fn new(shared: Arc<Shared>, server: Server) -> Self {
        Self { shared, server: Arc::new(server) }
    }

    /// Its address, such as `http://127.0.0.1:49152`, for both of the provider's hosts (`ATHM_API_URL`).
    #[must_use]
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Adds a payment to the provider's ledger and returns its `ecommerceId`. No webhook is sent.
    ///
    /// Absent fields of a completed payment (reference number, date, fee…) are filled in. A payment of the same
    /// `ecommerceId` is replaced, so this also changes one:
    ///
    /// ```
    /// # use athm_simulator::{SimulatedPayment, Simulator};
    /// # use athm_core::{Amount, Status};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// let paid = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed);
    /// let id = simulator.insert(paid);
    ///
    /// let paid = simulator.payment(&id).unwrap();
    /// simulator.insert(paid.refunded_amount(Amount::from_cents(500)));
    /// # Ok(()) }
    /// ```
    pub fn insert(&self, payment: SimulatedPayment) -> EcommerceId {
        self.shared.ledger().insert(payment)
    }

    /// All payments in their current states, in the order of arrival.
    #[must_use]
    pub fn payments(&self) -> Vec<SimulatedPayment> {
        let mut ledger = self.shared.ledger();
        ledger.entries().iter().map(|entry| entry.payment.clone()).collect()
    }

    /// One payment in its current state.
    #[must_use]
    pub fn payment(&self, id: &EcommerceId) -> Option<SimulatedPayment> {
        self.shared.ledger().entry(id).map(|entry| entry.payment.clone())
    }

    /// The secret that authorizes a payment, as `create` answers it; inserted payments have one, too.
    #[must_use]
    pub fn auth_token(&self, id: &EcommerceId) -> Option<String> {
        self.shared.ledger().entry(id).map(|entry| entry.auth_token.clone())
    }

    /// Advances the simulator's clock, and a clock [shared](SimulatorBuilder::clock) with it. Payments past their
    /// deadline expire; the provider's API reports them as `CANCEL`, like cancelled ones, while
    /// [`payment`](Self::payment) distinguishes the two.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use athm_simulator::{SimulatedPayment, Simulator};
    /// # use athm_core::{Amount, Status};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// let id = simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)));
    /// simulator.skip(Duration::from_secs(600));
    /// assert_eq!(simulator.payment(&id).unwrap().status, Status::Expired);
    /// # Ok(()) }
    /// ```
    pub fn skip(&self, duration: Duration) {
        self.shared.ledger().skip(duration);
    }

    /// The latest 100,000 requests, oldest first. Bodies, headers and query strings are not kept, so the log has no
    /// tokens.
    ///
    /// ```
    /// # use athm_simulator::Simulator;
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// let finds = simulator.requests().iter().filter(|request| request.path.ends_with("/findPayment")).count();
    /// assert_eq!(finds, 0);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.log().requests()
    }

    /// Stops the server and returns once the port is free. Payments and logs can still be read.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("url", &self.url()).finish_non_exhaustive()
    }
}
