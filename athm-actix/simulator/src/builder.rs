//! How a simulator is set up.

use std::sync::Arc;

use crate::business::Business;
use crate::server::Server;
use crate::shared::{Settings, Shared};
use crate::webhooks::{Event, Subscription};
use crate::{Customers, FaultRates, RefundReference, Simulator, SimulatorError, WebhookFaultRates, WebhookShape};

/// Sets up a [`Simulator`].
///
/// ```
/// use athm_simulator::Simulator;
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::builder().business_name("Café Aurora").public_token("public-for-tests").start().await?;
/// assert!(simulator.url().starts_with("http://127.0.0.1:"));
/// # Ok(()) }
/// ```
#[must_use = "nothing runs until `start`"]
pub struct SimulatorBuilder {
    port: u16,
    webhook_url: Option<String>,
    settings: Settings,
}

impl SimulatorBuilder {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            public_token: None,
            private_token: None,
            business: Business::default(),
            refund_reference: RefundReference::default(),
            webhook_shape: WebhookShape::default(),
            customers: Customers::default(),
            clock_speed: 1,
            seed: None,
            faults: FaultRates::none(),
            webhook_faults: WebhookFaultRates::none(),
        };
        Self { port: 0, webhook_url: None, settings }
    }

    /// The loopback port to answer on (any free one, unless given).
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The only public token to accept (any that isn't empty, unless given).
    pub fn public_token(mut self, token: impl Into<String>) -> Self {
        self.settings.public_token = Some(token.into());
        self
    }

    /// The only private token to accept (any that isn't empty, unless given).
    pub fn private_token(mut self, token: impl Into<String>) -> Self {
        self.settings.private_token = Some(token.into());
        self
    }

    /// The name of the business that is paid, as the customer's phone shows it.
    pub fn business_name(mut self, name: impl Into<String>) -> Self {
        self.settings.business.name = name.into();
        self
    }

    /// The `businessCustomerId` of the business that is paid (what `ATHM_BUSINESS_ID` is compared with).
    pub fn business_id(mut self, id: impl Into<String>) -> Self {
        self.settings.business.id = id.into();
        self
    }

    /// Sends webhooks of every kind there, as if it had been subscribed. An address of this machine.
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// Which shape webhooks have (today's, unless given).
    pub fn webhook_shape(mut self, shape: WebhookShape) -> Self {
        self.settings.webhook_shape = shape;
        self
    }

    /// How customers pay: in the app, unless given, of which no webhook tells that a payment was cancelled or expired.
    pub fn customers(mut self, customers: Customers) -> Self {
        self.settings.customers = customers;
        self
    }

    /// Whose reference number a refund carries (one of its own, unless given).
    pub fn refund_reference(mut self, reference: RefundReference) -> Self {
        self.settings.refund_reference = reference;
        self
    }

    /// How many seconds pass at the provider in one (1, unless given; 0 lets its clock stand still). With 60, a
    /// payment expires in ten seconds.
    pub fn clock_speed(mut self, speed: u32) -> Self {
        self.settings.clock_speed = speed;
        self
    }

    /// Makes what happens by chance, and the numbers that are given out, the same every time.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// How often requests go wrong by chance (never, unless given).
    pub fn faults(mut self, rates: FaultRates) -> Self {
        self.settings.faults = rates;
        self
    }

    /// How often webhooks go wrong by chance (never, unless given).
    pub fn webhook_faults(mut self, rates: WebhookFaultRates) -> Self {
        self.settings.webhook_faults = rates;
        self
    }

    /// Binds the port and starts to answer.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Bind`] when the port is taken, [`SimulatorError::Start`] when the server can't be run, and
    /// [`SimulatorError::Listener`] when webhooks can't be sent to the given address.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let shared = Arc::new(Shared::new(self.settings));
        if let Some(url) = &self.webhook_url {
            shared.webhooks().subscribe(Subscription::new(url, Event::SUBSCRIBABLE.to_vec())?);
        }
        let server = Server::start(self.port, Arc::clone(&shared)).await?;
        Ok(Simulator::new(shared, server))
    }
}
