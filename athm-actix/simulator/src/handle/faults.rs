//! Faults.

use std::time::Duration;

use super::Simulator;
use crate::faults::{Endpoint, Fault, FaultRates, Outage, View, WebhookFault, WebhookFaultRates};

impl Simulator {
    /// Fails every request of the provider's API from now on, for tests of an unreachable provider. The simulator's own
    /// endpoints and the methods of this type keep working.
    ///
    /// ```
    /// # use athm_simulator::{Outage, Simulator};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// simulator.fail_with(Outage::BadGatewayPage);
    /// // No payment can be verified now.
    /// simulator.recover();
    /// # Ok(()) }
    /// ```
    pub fn fail_with(&self, outage: Outage) {
        self.shared.schedule().outage = Some(outage);
    }

    /// Ends the outage that [`fail_with`](Self::fail_with) began.
    pub fn recover(&self) {
        self.shared.schedule().outage = None;
    }

    /// Injects a fault into the next request of that endpoint. Faults are queued. The header `Simulator-Fault` of a
    /// request takes precedence.
    ///
    /// ```
    /// use athm_simulator::{Effect, Endpoint, Fault, Simulator};
    ///
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// // The money moves, and the caller receives no answer.
    /// simulator.fail_next(Endpoint::Authorize, Fault::Timeout(Effect::Done));
    /// # Ok(()) }
    /// ```
    pub fn fail_next(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.schedule().queue(Some(endpoint), fault);
    }

    /// Lets a view of the provider lag behind: each change from now on, by anyone, is shown there after `lag` of the
    /// simulator's time. Zero ends it; changes made before keep their lag.
    ///
    /// ```
    /// use std::time::Duration;
    /// use athm_core::{Amount, Status};
    /// use athm_simulator::{SimulatedPayment, Simulator, View};
    ///
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// let id = simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed));
    /// simulator.set_lag(View::Find, Duration::from_secs(60));
    /// simulator.refund(&id, Amount::from_cents(500))?; // find shows a refunded amount of zero for a minute
    /// # Ok(()) }
    /// ```
    pub fn set_lag(&self, view: View, lag: Duration) {
        self.shared.ledger().set_lag(view, lag);
    }

    /// Replaces the rates of random faults.
    pub fn set_faults(&self, rates: FaultRates) {
        self.shared.schedule().rates = rates;
    }

    /// Injects a fault into the next webhook. Faults are queued.
    pub fn fail_next_webhook(&self, fault: WebhookFault) {
        self.shared.webhooks().queue(fault);
    }

    /// Replaces the rates of random webhook faults.
    pub fn set_webhook_faults(&self, rates: WebhookFaultRates) {
        self.shared.webhooks().rates = rates;
    }
}
