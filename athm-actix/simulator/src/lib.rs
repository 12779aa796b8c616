//! A stand-in for ATH Móvil's servers: the provider has no sandbox, and a test against the real one moves real money.
//!
//! [`Simulator::start`] answers the provider's API on a free loopback port, on a thread of its own, with all payments
//! in memory. Its address, [`Simulator::url`], replaces both of the provider's hosts. The customer's phone is the page
//! at that address; tests call [`approve`](Simulator::approve) and [`decline`](Simulator::decline).
//!
//! ```
//! use athm_core::{Amount, Status};
//! use athm_simulator::{SimulatedPayment, Simulator};
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
//! With `athm-simulator` among the dev-dependencies, a test of your receivers has a provider:
//!
//! ```
//! use athm_actix::{Amount, Athm, NewPayment, Status};
//! use athm_simulator::Simulator;
//!
//! # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let database = format!("sqlite://{}", folder.path().join("athm.db").display());
//! let simulator = Simulator::start().await?;
//! let athm = Athm::builder().tokens("public", "private").api_url(simulator.url());
//! let athm = athm.database_url(database).start().await?;
//!
//! let payment = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await?;
//! simulator.approve(payment.ecommerce_id().unwrap())?; // the customer's decision
//! let payment = athm.authorize(payment.id()).await?;
//! assert_eq!(payment.status(), &Status::Completed);
//! # athm.shutdown(std::time::Duration::ZERO).await;
//! # Ok(()) }
//! ```
//!
//! # Time
//!
//! With one clock for both, a test moves the time of both, and waits for what became due:
//!
//! ```
//! use std::time::Duration;
//!
//! use athm_actix::testing::{BuilderExt, Clock};
//! use athm_actix::{Amount, Athm, NewPayment, Status};
//! use athm_simulator::Simulator;
//!
//! # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let database = format!("sqlite://{}", folder.path().join("athm.db").display());
//! let clock = Clock::manual();
//! let simulator = Simulator::builder().clock(clock.clone()).start().await?;
//! let athm = Athm::builder().tokens("public", "private").api_url(simulator.url()).clock(clock.clone());
//! let athm = athm.database_url(database).start().await?;
//!
//! let timeout = Duration::from_secs(300);
//! let payment = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7").timeout(timeout)).await?;
//! clock.advance(timeout + Duration::from_secs(60));
//! athm.idle().await; // the payment was polled, and the receivers of `expired` ran
//! let payment = athm.transaction(payment.id()).await?.unwrap();
//! assert_eq!(payment.status(), &Status::Expired);
//! # athm.shutdown(Duration::ZERO).await;
//! # Ok(()) }
//! ```
//!
//! # Over HTTP
//!
//! The program `athm-simulator` runs the same simulator for tests in other languages and for demos; `athm-simulator
//! --help` lists its options and the control endpoints.
//!
//! | what | where |
//! |---|---|
//! | the provider's API | `/api/business-transaction/ecommerce/…` and the provider's other paths |
//! | the customer's phone, with controls and logs | `GET /` |
//! | control endpoints: payments, faults, time | `/simulator/…`, listed by [`ControlEndpoint`] |
//! | a fault for one request | the header `Simulator-Fault: timeout-after`, see [`Fault`] |
//! | a customer who approves or declines at once | the phone numbers of [`TestPhone`] |
//! | a checkout script | `GET /api/modal/js/athmovil_base.js` |
//!
//! # What it can't tell you
//!
//! The provider documents neither the HTTP statuses of errors, nor fees, nor the answer to a subscription, nor the
//! longest range of a report. The simulator's are invented and no promise of the provider's.
//!
//! The checkout script is not the provider's: that one opens the payment in the browser and accepts no existing
//! `ecommerceId`. The simulator's takes the `ecommerceId` of a payment that your server opened, and calls the page's
//! functions `authorizationATHM`, `cancelATHM` and `expiredATHM`. A page that uses it needs a replacement in
//! production.
//!
//! # Security
//!
//! The simulator binds loopback and calls loopback only. It refuses requests with a foreign `Host`, and changes from
//! pages of another origin.

// Top layer first: a module uses only modules below it, and the data types that are re-exported here.
mod handle;
mod server;

mod control;
mod endpoints;
mod pages;
mod webhook_sender;

mod middleware;
mod request;
mod shared;

mod ledger;
mod request_log;
mod webhooks;

mod answers;
mod faults;
mod refusal;

mod phone;

mod payment;

mod amounts;
mod business;
mod clock;
mod error;
mod fields;
mod json;

pub use self::control::ControlEndpoint;
pub use self::error::SimulatorError;
pub use self::faults::{
    Effect, Endpoint, Fault, FaultRates, Oddity, Outage, Rates, View, WebhookFault, WebhookFaultRates,
};
pub use self::handle::{Simulator, SimulatorBuilder};
pub use self::payment::{RefundReference, SimulatedPayment};
pub use self::phone::TestPhone;
pub use self::request_log::ReceivedRequest;
pub use self::webhooks::{PaymentChannel, SentWebhook, WebhookShape};
