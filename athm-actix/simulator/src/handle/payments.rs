//! What the customer and the business do.

use athm_core::Amount;
use athm_core::ids::EcommerceId;

use super::Simulator;
use crate::error::SimulatorError;
use crate::faults::Effect;
use crate::payment::SimulatedPayment;

impl Simulator {
    /// The customer approves the payment: open becomes confirmed. No money has moved yet.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::UnknownPayment`], or [`SimulatorError::WrongStatus`] unless it is open.
    pub fn approve(&self, id: &EcommerceId) -> Result<(), SimulatorError> {
        self.shared.ledger().approve(id)
    }

    /// The customer declines the payment: open or confirmed becomes cancelled.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::UnknownPayment`], or [`SimulatorError::WrongStatus`] unless it is open or confirmed.
    pub fn decline(&self, id: &EcommerceId) -> Result<(), SimulatorError> {
        self.shared.ledger().cancel(id, Effect::Done)
    }

    /// A customer pays without a checkout: an app payment or a donation, by the payment's kind. Its webhook is sent.
    /// Returns its id in the simulator's ledger; the provider's API knows it only by its reference number.
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

    /// The business refunds a payment from its own app. The refund's webhook is sent. Returns the refund's id in the
    /// simulator's ledger.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::UnknownPayment`], [`SimulatorError::WrongStatus`] unless the payment is completed, and
    /// [`SimulatorError::NotRefundable`] when the amount exceeds what is left.
    pub fn refund(&self, id: &EcommerceId, amount: Amount) -> Result<EcommerceId, SimulatorError> {
        let reference = self.shared.settings().refund_reference;
        let refund = self.shared.ledger().refund(id, amount, None, reference, Effect::Done)?;
        refund.ok_or(SimulatorError::UnknownPayment { id: *id })
    }

    /// The refunds of a payment, oldest first. Each is a movement of its own.
    #[must_use]
    pub fn refunds(&self, id: &EcommerceId) -> Vec<SimulatedPayment> {
        let mut ledger = self.shared.ledger();
        let of_it = |payment: &&SimulatedPayment| payment.refund_of == Some(*id);
        ledger.entries().iter().map(|entry| &entry.payment).filter(of_it).cloned().collect()
    }
}
