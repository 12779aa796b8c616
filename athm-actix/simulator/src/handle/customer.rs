//! What customers and the business do.

use athm_core::{Amount, EcommerceId};

use super::Simulator;
use crate::{Effect, SimulatedPayment, SimulatorError};

impl Simulator {
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
        self.shared.ledger().cancel(id, Effect::Done)
    }

    /// A customer pays without a checkout: an app payment or a donation, as the payment's kind says. Its webhook is
    /// sent. Returns its name in the simulator's books; the provider has no ticket for it, only a reference number.
    ///
    /// ```
    /// # use athm_simulator::{SimulatedPayment, Simulator};
    /// # use athm_core::{Amount, TransactionKind};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = Simulator::start().await?;
    /// let donation = SimulatedPayment::new(Amount::from_cents(500)).kind(TransactionKind::Donation);
    /// let id = simulator.receive(donation.customer_message("For the roof"));
    /// assert!(simulator.payment(&id).unwrap().reference_number.is_some());
    /// # Ok(()) }
    /// ```
    pub fn receive(&self, payment: SimulatedPayment) -> EcommerceId {
        self.shared.ledger().receive(payment)
    }

    /// The business gives money back from its own app. The webhook of the refund is sent. Returns the refund's name
    /// in the simulator's books.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::UnknownPayment`], [`SimulatorError::WrongStatus`] unless the payment is completed, and
    /// [`SimulatorError::NotRefundable`] when less than that is left.
    pub fn refund(&self, id: &EcommerceId, amount: Amount) -> Result<EcommerceId, SimulatorError> {
        let numbered = self.shared.settings().refund_reference;
        let refund = self.shared.ledger().refund(id, amount, None, numbered, Effect::Done)?;
        refund.ok_or(SimulatorError::UnknownPayment { id: *id })
    }

    /// What was given back of a payment, each refund a movement of its own; the oldest first.
    #[must_use]
    pub fn refunds(&self, id: &EcommerceId) -> Vec<SimulatedPayment> {
        let mut ledger = self.shared.ledger();
        let of_it = |payment: &&SimulatedPayment| payment.refund_of == Some(*id);
        ledger.entries().iter().map(|entry| &entry.payment).filter(of_it).cloned().collect()
    }
}
