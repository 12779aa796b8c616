//! The settings of a simulator.

use std::sync::Arc;
use std::time::Duration;

use crate::business::Business;
use crate::clock::Clock;
use crate::error::SimulatorError;
use crate::faults::{FaultRates, View, WebhookFaultRates};
use crate::handle::Simulator;
use crate::payment::RefundReference;
use crate::server::Server;
use crate::shared::{Settings, Shared};
use crate::webhooks::{Event, PaymentChannel, Subscription, WebhookShape};

/// The settings of a [`Simulator`] to start.
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
    clock: Clock,
    lags: Vec<(View, Duration)>,
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
            channel: PaymentChannel::default(),
            seed: None,
            faults: FaultRates::none(),
            webhook_faults: WebhookFaultRates::none(),
        };
        Self { port: 0, webhook_url: None, clock: Clock::default(), lags: Vec::new(), settings }
    }

    /// The loopback port (default: any free one).
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The only public token to accept (default: any that isn't empty).
    pub fn public_token(mut self, token: impl Into<String>) -> Self {
        self.settings.public_token = Some(token.into());
        self
    }

    /// The only private token to accept (default: any that isn't empty).
    pub fn private_token(mut self, token: impl Into<String>) -> Self {
        self.settings.private_token = Some(token.into());
        self
    }

    /// The name of the business, as the customer's phone shows it.
    pub fn business_name(mut self, name: impl Into<String>) -> Self {
        self.settings.business.name = name.into();
        self
    }

    /// The `businessCustomerId` of the business, which athm compares with `ATHM_BUSINESS_ID`.
    pub fn business_id(mut self, id: impl Into<String>) -> Self {
        self.settings.business.id = id.into();
        self
    }

    /// Subscribes a loopback URL to webhooks of every kind.
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// The shape of webhooks (default: [`WebhookShape::V4`]).
    pub fn webhook_shape(mut self, shape: WebhookShape) -> Self {
        self.settings.webhook_shape = shape;
        self
    }

    /// How customers pay (default: [`PaymentChannel::App`], which sends no webhook of cancelled and expired payments).
    pub fn payment_channel(mut self, channel: PaymentChannel) -> Self {
        self.settings.channel = channel;
        self
    }

    /// The reference number of refunds (default: [`RefundReference::Own`]).
    pub fn refund_reference(mut self, reference: RefundReference) -> Self {
        self.settings.refund_reference = reference;
        self
    }

    /// How many seconds of the provider's time pass in one second (default: 1; 0 stops its clock). At 60, a payment
    /// expires after ten seconds. Replaces [`clock`](Self::clock).
    pub fn clock_speed(mut self, speed: u32) -> Self {
        self.clock = Clock::with_speed(speed);
        self
    }

    /// Takes the time from a clock that the program under test uses, too. [`Simulator::skip`] then advances both, so
    /// that athm sees the deadline of a payment pass when the simulator expires it. Use
    /// [`Clock::manual`](athm_core::testing::Clock::manual): the system's clock can't be advanced. Replaces
    /// [`clock_speed`](Self::clock_speed).
    ///
    /// ```
    /// use std::time::Duration;
    /// use athm_core::testing::Clock;
    /// use athm_core::{Amount, Status};
    /// use athm_simulator::{SimulatedPayment, Simulator};
    ///
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = Clock::manual(); // also given to `Athm::builder().clock(…)`
    /// let simulator = Simulator::builder().clock(clock.clone()).start().await?;
    /// let id = simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)));
    /// clock.advance(Duration::from_secs(600));
    /// assert_eq!(simulator.payment(&id).unwrap().status, Status::Expired);
    /// # Ok(()) }
    /// ```
    pub fn clock(mut self, clock: athm_core::testing::Clock) -> Self {
        self.clock = Clock::Shared(clock);
        self
    }

    /// Seeds everything random: faults, and the generated ids, reference numbers and tokens. Only the ids of
    /// [`SimulatedPayment::new`](crate::SimulatedPayment::new) are the caller's.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// How long a view of the provider lags behind (default: not at all), as
    /// [`Simulator::set_lag`](crate::Simulator::set_lag) changes it.
    pub fn lag(mut self, view: View, lag: Duration) -> Self {
        self.lags.push((view, lag));
        self
    }

    /// The rates of random faults (default: none).
    pub fn faults(mut self, rates: FaultRates) -> Self {
        self.settings.faults = rates;
        self
    }

    /// The rates of random webhook faults (default: none).
    pub fn webhook_faults(mut self, rates: WebhookFaultRates) -> Self {
        self.settings.webhook_faults = rates;
        self
    }

    /// Binds the port and starts the server.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Bind`] when the port is taken, [`SimulatorError::Start`] when the server can't be started, and
    /// [`SimulatorError::WebhookUrl`] when the URL isn't on loopback.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let shared = Arc::new(Shared::new(self.settings, self.clock));
        for (view, lag) in self.lags {
            shared.ledger().set_lag(view, lag);
        }
        if let Some(url) = &self.webhook_url {
            shared.webhooks().subscribe(Subscription::new(url, Event::SUBSCRIBABLE.to_vec())?);
        }
        let server = Server::start(self.port, Arc::clone(&shared)).await?;
        Ok(Simulator::new(shared, server))
    }
}
