//! How payments move from state to state.

use athm_core::{Amount, EcommerceId, Status, TransactionKind};

use super::{Entry, Ledger, numbers};
use crate::{Effect, Phone, RefundReference, SimulatedPayment, SimulatorError};

impl Ledger {
    /// A merchant opens a payment; a customer whose phone decides by itself has decided when this returns. Tells the
    /// new payment's name, if it has come to anything.
    pub(crate) fn open(&mut self, payment: SimulatedPayment, effect: Effect) -> Option<EcommerceId> {
        if effect == Effect::Absent {
            return None;
        }
        let payment = self.completed(payment);
        let id = self.enter(payment, effect);
        self.react(&id);
        Some(id)
    }

    /// The merchant sends an open payment to another phone.
    pub(crate) fn update_phone(
        &mut self,
        id: &EcommerceId,
        phone: String,
        effect: Effect,
    ) -> Result<(), SimulatorError> {
        let entry = self.known(id)?;
        if entry.payment.status != Status::Open {
            return Err(entry.wrong_status("open", "sent to another phone"));
        }
        let mut payment = entry.payment.clone();
        payment.customer.phone = Some(phone);
        self.change(payment, effect);
        if effect != Effect::Absent {
            self.react(id);
        }
        Ok(())
    }

    fn react(&mut self, id: &EcommerceId) {
        let Some(entry) = self.entry(id) else { return };
        match Phone::of(&entry.payment) {
            Some(Phone::Approves) => drop(self.approve(id)),
            Some(Phone::Declines) => drop(self.cancel(id, Effect::Done)),
            _ => {}
        }
    }

    pub(crate) fn approve(&mut self, id: &EcommerceId) -> Result<(), SimulatorError> {
        let entry = self.known(id)?;
        if entry.payment.status != Status::Open {
            return Err(entry.wrong_status("open", "approved"));
        }
        let payment = entry.payment.clone().status(Status::Confirmed);
        self.change(payment, Effect::Done);
        Ok(())
    }

    pub(crate) fn cancel(&mut self, id: &EcommerceId, effect: Effect) -> Result<(), SimulatorError> {
        let entry = self.known(id)?;
        if !entry.payment.is_pending() {
            return Err(entry.wrong_status("open and confirmed", "cancelled"));
        }
        let payment = entry.payment.clone().status(Status::Cancelled);
        self.tell(payment, effect);
        Ok(())
    }

    /// Moves the money: confirmed becomes completed, unless the customer's card isn't good for it.
    pub(crate) fn authorize(&mut self, id: &EcommerceId, effect: Effect) -> Result<(), SimulatorError> {
        let entry = self.known(id)?;
        if entry.payment.status != Status::Confirmed {
            return Err(entry.wrong_status("confirmed", "authorized"));
        }
        if Phone::of(&entry.payment) == Some(Phone::OverLimit) {
            self.cancel(id, effect)?;
            return Err(SimulatorError::OverLimit { id: *id });
        }
        if effect != Effect::Absent {
            let payment = entry.payment.clone().status(Status::Completed);
            let payment = self.completed(payment);
            self.tell(payment, effect);
        }
        Ok(())
    }

    /// Gives money back, as a movement of its own. Tells its name, if it has come to anything.
    pub(crate) fn refund(
        &mut self,
        id: &EcommerceId,
        amount: Amount,
        message: Option<String>,
        numbered: RefundReference,
        effect: Effect,
    ) -> Result<Option<EcommerceId>, SimulatorError> {
        let entry = self.known(id)?;
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
        refund = refund.ecommerce_id(numbers::ticket(&mut self.random)).fee(Amount::ZERO).net_amount(Amount::ZERO);
        refund.customer = original.customer.clone();
        refund.customer.message = message;
        refund.refund_of = Some(*id);
        if numbered == RefundReference::OfThePayment {
            refund.reference_number = original.reference_number.clone();
        }
        let refund = self.completed(refund);
        self.news.push(refund.clone());
        let name = self.enter(refund, effect);
        original.refunded_amount = original.refunded_amount.checked_add(amount).unwrap_or(original.total);
        self.change(original, effect);
        Ok(Some(name))
    }

    /// Money comes in without a checkout: an app payment, or a donation.
    pub(crate) fn receive(&mut self, payment: SimulatedPayment) -> EcommerceId {
        let payment = self.completed(payment.status(Status::Completed));
        self.news.push(payment.clone());
        self.insert(payment)
    }

    /// The payment whose movement of money has that name.
    pub(crate) fn by_reference(&mut self, reference: &str) -> Option<&Entry> {
        let named = |entry: &&Entry| {
            let payment = &entry.payment;
            payment.kind != TransactionKind::Refund && payment.reference() == reference.trim()
        };
        self.entries().iter().find(named)
    }

    fn tell(&mut self, payment: SimulatedPayment, effect: Effect) {
        if effect != Effect::Absent {
            self.news.push(payment.clone());
        }
        self.change(payment, effect);
    }

    fn change(&mut self, payment: SimulatedPayment, effect: Effect) {
        let (id, now) = (payment.ecommerce_id, self.now());
        if effect == Effect::Absent {
            return;
        }
        if let Some(entry) = self.entry_mut(&id) {
            entry.change(payment, effect, now);
            self.revision += 1;
        }
    }

    fn known(&mut self, id: &EcommerceId) -> Result<&mut Entry, SimulatorError> {
        self.entry_mut(id).ok_or(SimulatorError::UnknownPayment { id: *id })
    }
}
