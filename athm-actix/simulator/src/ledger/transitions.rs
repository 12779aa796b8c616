//! State transitions of payments.

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Status, TransactionKind};

use super::{Entry, Ledger, generate};
use crate::error::SimulatorError;
use crate::faults::Effect;
use crate::payment::{RefundReference, SimulatedPayment};
use crate::phone::TestPhone;

impl Ledger {
    /// Opens a payment for the merchant; a test phone has reacted when this returns. Returns the new payment's id,
    /// `None` if the request has no effect.
    pub(crate) fn open(&mut self, mut payment: SimulatedPayment, effect: Effect) -> Option<EcommerceId> {
        if effect == Effect::Absent {
            return None;
        }
        payment.ecommerce_id = self.new_ecommerce_id();
        let payment = self.fill_in(payment);
        let id = self.add(payment, effect);
        self.apply_test_phone(&id);
        Some(id)
    }

    /// Sends an open payment to another phone.
    pub(crate) fn update_phone(
        &mut self,
        id: &EcommerceId,
        phone: String,
        effect: Effect,
    ) -> Result<(), SimulatorError> {
        let entry = self.require(id)?;
        if entry.payment.status != Status::Open {
            return Err(entry.wrong_status("open", "sent to another phone"));
        }
        let mut payment = entry.payment.clone();
        payment.customer.phone = Some(phone);
        self.change(payment, effect);
        if effect != Effect::Absent {
            self.apply_test_phone(id);
        }
        Ok(())
    }

    fn apply_test_phone(&mut self, id: &EcommerceId) {
        let Some(entry) = self.entry(id) else { return };
        match TestPhone::of(&entry.payment) {
            Some(TestPhone::Approves) => drop(self.approve(id)),
            Some(TestPhone::Declines) => drop(self.cancel(id, Effect::Done)),
            _ => {}
        }
    }

    pub(crate) fn approve(&mut self, id: &EcommerceId) -> Result<(), SimulatorError> {
        let entry = self.require(id)?;
        if entry.payment.status != Status::Open {
            return Err(entry.wrong_status("open", "approved"));
        }
        let payment = entry.payment.clone().status(Status::Confirmed);
        self.change(payment, Effect::Done);
        Ok(())
    }

    pub(crate) fn cancel(&mut self, id: &EcommerceId, effect: Effect) -> Result<(), SimulatorError> {
        let entry = self.require(id)?;
        if !entry.payment.is_pending() {
            return Err(entry.wrong_status("open and confirmed", "cancelled"));
        }
        let payment = entry.payment.clone().status(Status::Cancelled);
        self.change_and_notify(payment, effect);
        Ok(())
    }

    /// Moves the money: confirmed becomes completed, unless the test phone's card is over its limit.
    pub(crate) fn authorize(&mut self, id: &EcommerceId, effect: Effect) -> Result<(), SimulatorError> {
        let entry = self.require(id)?;
        if entry.payment.status != Status::Confirmed {
            return Err(entry.wrong_status("confirmed", "authorized"));
        }
        if TestPhone::of(&entry.payment) == Some(TestPhone::OverLimit) {
            self.cancel(id, effect)?;
            return Err(SimulatorError::OverLimit { id: *id });
        }
        if effect != Effect::Absent {
            let payment = entry.payment.clone().status(Status::Completed);
            let payment = self.fill_in(payment);
            self.change_and_notify(payment, effect);
        }
        Ok(())
    }

    /// Changes the total of a pending payment, as if the provider completed another one than it was asked for.
    pub(crate) fn change_total(&mut self, id: &EcommerceId, total: Amount) {
        if let Some(entry) = self.entry_mut(id).filter(|entry| entry.payment.is_pending()) {
            entry.payment.total = total;
            entry.payment.subtotal = None;
            self.revision += 1;
        }
    }

    /// Refunds a payment, as a movement of its own. Returns the refund's id, `None` if the request has no effect.
    pub(crate) fn refund(
        &mut self,
        id: &EcommerceId,
        amount: Amount,
        message: Option<String>,
        reference: RefundReference,
        effect: Effect,
    ) -> Result<Option<EcommerceId>, SimulatorError> {
        let entry = self.require(id)?;
        let mut original = entry.payment.clone();
        if original.status != Status::Completed || original.kind == TransactionKind::Refund {
            return Err(entry.wrong_status("completed", "refunded"));
        }
        let left = original.refundable();
        if amount > left || amount <= Amount::ZERO {
            return Err(SimulatorError::NotRefundable { id: *id, left });
        }
        if effect == Effect::Absent {
            return Ok(None);
        }
        let mut refund = SimulatedPayment::new(amount).kind(TransactionKind::Refund).status(Status::Completed);
        refund =
            refund.ecommerce_id(generate::ecommerce_id(&mut self.random)).fee(Amount::ZERO).net_amount(Amount::ZERO);
        refund.customer = original.customer.clone();
        refund.customer.message = message;
        refund.refund_of = Some(*id);
        if reference == RefundReference::Payment {
            refund.reference_number = original.reference_number.clone();
        }
        let refund = self.fill_in(refund);
        self.changes.push(refund.clone());
        let refund_id = self.add(refund, effect);
        original.refunded_amount = original.refunded_amount.checked_add(amount).unwrap_or(original.total);
        self.change(original, effect);
        Ok(Some(refund_id))
    }

    /// Receives money without a checkout: an app payment or a donation.
    pub(crate) fn receive(&mut self, payment: SimulatedPayment) -> EcommerceId {
        let payment = self.fill_in(payment.status(Status::Completed));
        self.changes.push(payment.clone());
        self.insert(payment)
    }

    /// The payment with that reference number.
    pub(crate) fn by_reference(&mut self, reference: &str) -> Option<&Entry> {
        let matches = |entry: &&Entry| {
            let payment = &entry.payment;
            payment.kind != TransactionKind::Refund && payment.reference() == reference.trim()
        };
        self.entries().iter().find(matches)
    }

    fn change_and_notify(&mut self, payment: SimulatedPayment, effect: Effect) {
        if effect != Effect::Absent {
            self.changes.push(payment.clone());
        }
        self.change(payment, effect);
    }

    fn change(&mut self, payment: SimulatedPayment, effect: Effect) {
        let (id, now, lag) = (payment.ecommerce_id, self.now(), self.lag.with_effect(effect));
        if effect == Effect::Absent {
            return;
        }
        if let Some(entry) = self.entry_mut(&id) {
            entry.change(payment, lag, now);
            self.revision += 1;
        }
    }

    fn require(&mut self, id: &EcommerceId) -> Result<&mut Entry, SimulatorError> {
        self.entry_mut(id).ok_or(SimulatorError::UnknownPayment { id: *id })
    }
}
