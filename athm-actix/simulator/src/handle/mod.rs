//! The handle of a running simulator.

mod customer;
mod trouble;
mod webhook;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use athm_core::EcommerceId;

use super::server::Server;
use super::shared::Shared;
use super::{ReceivedRequest, SimulatedPayment, SimulatorBuilder, SimulatorError};

/// A running stand-in for ATH Móvil's servers; see the [crate](crate) for an example.
///
/// Its clones are handles of the same simulator. It stops with [`stop`](Self::stop), or when the last of them is dropped.
#[derive(Clone)]
pub struct Simulator {
    pub(super) shared: Arc<Shared>,
    server: Arc<Server>,
}

impl Simulator {
    /// Starts one on a free loopback port, from any async runtime.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Bind`] or [`SimulatorError::Start`].
    pub async fn start() -> Result<Self, SimulatorError> {
        Self::builder().start().await
    }

    /// Starts one with a port, tokens or a business of your choice.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::new()
    }

    pub(super) fn new(shared: Arc<Shared>, server: Server) -> Self {
        Self { shared, server: Arc::new(server) }
    }

    /// Where it answers, such as `http://127.0.0.1:49152`: in place of both of the provider's hosts (`ATHM_API_URL`).
    #[must_use]
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Puts a payment into the provider's books as it is, and returns its `ecommerceId`.
    ///
    /// What a completed payment lacks (reference number, date, fee…) is filled in. A payment of the same `ecommerceId`
    /// is replaced, so this is also how to change one:
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

    /// All payments as they stand, in the order of their arrival.
    #[must_use]
    pub fn payments(&self) -> Vec<SimulatedPayment> {
        let mut ledger = self.shared.ledger();
        ledger.entries().iter().map(|entry| entry.payment.clone()).collect()
    }

    /// One payment as it stands.
    #[must_use]
    pub fn payment(&self, id: &EcommerceId) -> Option<SimulatedPayment> {
        self.shared.ledger().entry(id).map(|entry| entry.payment.clone())
    }

    /// The secret that authorizes a payment, as the answer to its creation holds it; payments that were inserted have
    /// one, too.
    #[must_use]
    pub fn auth_token(&self, id: &EcommerceId) -> Option<String> {
        self.shared.ledger().entry(id).map(|entry| entry.auth_token.clone())
    }

    /// Moves the simulator's clock on. Payments that nobody completed in time expire, which the provider's API calls
    /// `CANCEL`, like a cancellation; [`payment`](Self::payment) tells them apart.
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

    /// The requests received so far, each with the status that it was answered, once it is; the oldest first, a hundred thousand at most.
    /// Bodies, headers and query strings are not kept, so there are no tokens in it.
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

    /// Stops answering, and returns once the port is free. What was recorded can still be read.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("url", &self.url()).finish_non_exhaustive()
    }
}
