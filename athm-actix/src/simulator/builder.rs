//! How a simulator is set up.

use std::sync::Arc;

use super::business::Business;
use super::server::Server;
use super::shared::{Settings, Shared};
use super::{Simulator, SimulatorError};

/// Sets up a [`Simulator`].
///
/// ```
/// use athm_actix::simulator::Simulator;
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::builder().business_name("Café Aurora").public_token("public-for-tests").start().await?;
/// assert!(simulator.url().starts_with("http://127.0.0.1:"));
/// # Ok(()) }
/// ```
#[must_use = "nothing runs until `start`"]
pub struct SimulatorBuilder {
    port: u16,
    settings: Settings,
}

impl SimulatorBuilder {
    pub(super) fn new() -> Self {
        Self { port: 0, settings: Settings { public_token: None, private_token: None, business: Business::default() } }
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

    /// Binds the port and starts to answer.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Bind`] when the port is taken, [`SimulatorError::Start`] when the server can't be run.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let shared = Arc::new(Shared::new(self.settings));
        let server = Server::start(self.port, Arc::clone(&shared)).await?;
        Ok(Simulator { shared, server: Arc::new(server) })
    }
}
