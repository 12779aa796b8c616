//! Webhooks.

use super::Simulator;
use crate::error::SimulatorError;
use crate::payment::SimulatedPayment;
use crate::webhooks::{Event, SentWebhook, Subscription};

impl Simulator {
    /// Sends webhooks of every kind to that URL from now on, in place of an earlier one, as the provider's subscription
    /// does.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::WebhookUrl`] unless the URL is on loopback.
    pub fn subscribe(&self, url: &str) -> Result<(), SimulatorError> {
        let subscription = Subscription::new(url, Event::SUBSCRIBABLE.to_vec())?;
        self.shared.webhooks().subscribe(subscription);
        Ok(())
    }

    /// Sends a webhook about that payment as given, whatever the ledger has: a forged message.
    ///
    /// ```
    /// # use athm_simulator::{SimulatedPayment, Simulator};
    /// # use athm_core::{Amount, Status};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// let invented = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed).metadata_1("order-7");
    /// simulator.send_webhook(&invented);
    /// # Ok(()) }
    /// ```
    pub fn send_webhook(&self, payment: &SimulatedPayment) {
        let now = self.shared.ledger().now();
        self.shared.webhooks().send(payment, &self.shared.settings().business, now);
    }

    /// Sends the provider's test event (`transactionType` `simulated`).
    pub fn send_test_webhook(&self) {
        self.send_webhook(&SimulatedPayment::test_event());
    }

    /// All webhooks, sent and scheduled, oldest first.
    #[must_use]
    pub fn webhooks(&self) -> Vec<SentWebhook> {
        self.shared.webhooks().log().to_vec()
    }
}
