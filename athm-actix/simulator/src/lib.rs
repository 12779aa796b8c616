//! A stand-in for ATH Móvil's servers: the provider has no sandbox, and a test against the real one moves real money.
//!
//! [`Simulator::start`] answers the provider's API on a free loopback port, on a thread of its own, with all payments in
//! memory. Point athm (or anything else that talks to ATH Móvil) at [`Simulator::url`], in place of both of the
//! provider's hosts. The customer's phone is the page at that address, or [`approve`](Simulator::approve) and
//! [`decline`](Simulator::decline) in a test.
//!
//! ```
//! use athm_simulator::{SimulatedPayment, Simulator};
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
//! In a test of your own, three lines give your receivers a provider:
//!
//! ```
//! use athm_simulator::{SimulatedPayment, Simulator};
//! use athm_actix::{Amount, Athm, NewPayment, Status};
//!
//! # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let database = format!("sqlite://{}", folder.path().join("athm.db").display());
//! let simulator = Simulator::start().await?;
//! let athm = Athm::builder().tokens("public", "private").api_url(simulator.url());
//! let athm = athm.database_url(database).start().await?;
//!
//! let payment = athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await?;
//! simulator.approve(payment.ecommerce_id().unwrap())?; // the customer's thumb
//! let payment = athm.authorize(payment.id()).await?;
//! assert_eq!(payment.status(), &Status::Completed);
//! # athm.shutdown(std::time::Duration::ZERO).await;
//! # Ok(()) }
//! ```
//!
//! | what | where |
//! |---|---|
//! | the provider's API | `/api/business-transaction/ecommerce/…`, `/api/v4/searchTransaction`, `/transactions/…`: each endpoint on its own path |
//! | the provider's checkout script | `GET /api/modal/js/athmovil_base.js` |
//! | the customer's phone, and what happens behind it | `GET /` |
//! | seed a payment | `POST /simulator/payments`: the `data` object of a find answer, absent fields defaulted |
//! | the customer's decision | `POST /simulator/payments/{ecommerceId}/approve` and `/decline` |
//! | the business gives the rest back | `POST /simulator/payments/{ecommerceId}/refund` |
//! | what became of it | `GET /simulator/payments/{ecommerceId}` |
//! | an app payment, a donation | `POST /simulator/received` with `kind=donation`, `total=5.00`, `message=…` |
//! | a test event | `POST /simulator/test-webhook` |
//! | the next request goes wrong | `POST /simulator/faults` with `fault=timeout-after`, and perhaps `endpoint=refund` (see [`Fault`]) |
//! | the next webhook goes wrong | `POST /simulator/webhook-faults` with `fault=lost` (see [`WebhookFault`]) |
//! | time travel | `POST /simulator/time` with `seconds=130` |
//!
//! What is documented nowhere is made up here, and no promise of the provider's: the HTTP statuses of errors, the fees,
//! the answer to a subscription, the longest time of a report (31 days), and what a refund's own reference number is.
//!
//! It binds and calls loopback only, and refuses requests that name another host or come from another origin's page.

mod answers;
mod builder;
mod business;
mod call;
mod clock;
mod control;
mod endpoints;
mod error;
mod faults;
mod fields;
mod guard;
mod handle;
mod json;
mod ledger;
mod log;
mod magic;
mod pages;
mod payment;
mod seed;
mod server;
mod shared;
mod webhooks;

pub use self::builder::SimulatorBuilder;
pub use self::control::ControlEndpoint;
pub use self::error::SimulatorError;
pub use self::faults::{Effect, Endpoint, Fault, FaultRates, Outage, Rates, WebhookFaultRates};
pub use self::handle::Simulator;
pub use self::log::ReceivedRequest;
pub use self::magic::Phone;
pub use self::payment::{RefundReference, SimulatedPayment};
pub use self::webhooks::{Customers, SentWebhook, WebhookFault, WebhookShape};
