//! A stand-in for ATH Móvil's servers: the provider has no sandbox, and a test against the real one moves real money.
//!
//! [`Simulator::start`] answers the provider's API on a free loopback port, on a thread of its own, with all payments in
//! memory. Point athm (or anything else that talks to ATH Móvil) at [`Simulator::url`], in place of both of the
//! provider's hosts. The customer's phone is the page at that address, or [`approve`](Simulator::approve) and
//! [`decline`](Simulator::decline) in a test.
//!
//! ```
//! use athm_actix::simulator::{SimulatedPayment, Simulator};
//! use athm_core::{Amount, Status};
//!
//! # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::start().await?;
//! let id = simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)).metadata_1("order-7"));
//!
//! simulator.approve(&id)?;
//!
//! assert_eq!(simulator.payment(&id).unwrap().status, Status::Confirmed);
//! simulator.stop().await;
//! # Ok(()) }
//! ```
//!
//! | what | where |
//! |---|---|
//! | the provider's API | `POST /api/business-transaction/ecommerce/payment`, `…/business/findPayment`, `…/authorization`, `…/business/cancel`, `POST /api/v4/searchTransaction` |
//! | the provider's checkout script | `GET /api/modal/js/athmovil_base.js` |
//! | the customer's phone | `GET /` |
//! | seed a payment | `POST /simulator/payments`: the `data` object of a find answer, absent fields defaulted |
//! | the customer's decision | `POST /simulator/payments/{ecommerceId}/approve` and `/decline` |
//! | what became of it | `GET /simulator/payments/{ecommerceId}` |
//! | time travel | `POST /simulator/time` with `seconds=130` |
//!
//! It binds loopback only, and refuses requests that name another host or come from another origin's page.

mod answers;
mod builder;
mod business;
mod clock;
mod control;
mod endpoints;
mod error;
mod fields;
mod guard;
mod json;
mod ledger;
mod log;
mod outage;
mod pages;
mod payment;
mod seed;
mod server;
mod shared;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use athm_core::EcommerceId;

pub use self::builder::SimulatorBuilder;
pub use self::error::SimulatorError;
pub use self::log::ReceivedRequest;
pub use self::outage::Outage;
pub use self::payment::SimulatedPayment;
use self::server::Server;
use self::shared::Shared;

/// A running stand-in for ATH Móvil's servers; see the [module](self) for an example.
///
/// Its clones are handles of the same simulator. It stops with [`stop`](Self::stop), or when the last of them is dropped.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
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
    /// # use athm_actix::simulator::{SimulatedPayment, Simulator};
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

    /// The customer approves the payment: open becomes confirmed, which is not paid yet.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::UnknownPayment`], or [`SimulatorError::WrongStatus`] when it isn't open (any more).
    pub fn approve(&self, id: &EcommerceId) -> Result<(), SimulatorError> {
        self.shared.ledger().approve(id)
    }

    /// The customer declines the payment: open or confirmed becomes cancelled.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::UnknownPayment`], or [`SimulatorError::WrongStatus`] when it has ended already.
    pub fn decline(&self, id: &EcommerceId) -> Result<(), SimulatorError> {
        self.shared.ledger().cancel(id)
    }

    /// Moves the simulator's clock on. Payments that nobody completed in time expire, which the provider's API calls
    /// `CANCEL`, like a cancellation; [`payment`](Self::payment) tells them apart.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use athm_actix::simulator::{SimulatedPayment, Simulator};
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

    /// The requests received so far, each with the status that it was answered; the oldest first, ten thousand at most.
    /// Bodies, headers and query strings are not kept, so there are no tokens in it.
    ///
    /// ```
    /// # use athm_actix::simulator::Simulator;
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

    /// From now on, every endpoint of the provider's fails like that: for tests of "the provider can't be asked".
    /// The simulator's own pages, and the methods of this type, keep working.
    ///
    /// ```
    /// # use athm_actix::simulator::{Outage, Simulator};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// simulator.fail_with(Outage::BadGatewayPage);
    /// // … nothing can be verified now …
    /// simulator.recover();
    /// # Ok(()) }
    /// ```
    pub fn fail_with(&self, outage: Outage) {
        self.shared.set_outage(Some(outage));
    }

    /// Ends the outage that [`fail_with`](Self::fail_with) began.
    pub fn recover(&self) {
        self.shared.set_outage(None);
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
