//! What goes wrong.

use super::Simulator;
use crate::{Endpoint, Fault, FaultRates, Outage, WebhookFault, WebhookFaultRates};

impl Simulator {
    /// From now on, every endpoint of the provider's fails like that: for tests of "the provider can't be asked".
    /// The simulator's own pages, and the methods of this type, keep working.
    ///
    /// ```
    /// # use athm_simulator::{Outage, Simulator};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// simulator.fail_with(Outage::BadGatewayPage);
    /// // … nothing can be verified now …
    /// simulator.recover();
    /// # Ok(()) }
    /// ```
    pub fn fail_with(&self, outage: Outage) {
        self.shared.plan().outage = Some(outage);
    }

    /// Ends the outage that [`fail_with`](Self::fail_with) began.
    pub fn recover(&self) {
        self.shared.plan().outage = None;
    }

    /// The next request of that endpoint goes wrong. Several are queued; a header `Simulator-Fault` of a request
    /// comes before them.
    ///
    /// ```
    /// use athm_simulator::{Effect, Endpoint, Fault, Simulator};
    ///
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// // The money moves, and nobody hears of it.
    /// simulator.fail_next(Endpoint::Authorize, Fault::Timeout(Effect::Done));
    /// # Ok(()) }
    /// ```
    pub fn fail_next(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.plan().queue(Some(endpoint), fault);
    }

    /// From now on requests go wrong by chance, that often.
    pub fn set_faults(&self, rates: FaultRates) {
        self.shared.plan().rates = rates;
    }

    /// The next webhook goes wrong.
    pub fn fail_next_webhook(&self, fault: WebhookFault) {
        self.shared.webhooks().queue(fault);
    }

    /// From now on webhooks go wrong by chance, that often.
    pub fn set_webhook_faults(&self, rates: WebhookFaultRates) {
        self.shared.webhooks().rates = rates;
    }
}
