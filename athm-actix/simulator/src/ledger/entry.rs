//! One payment in the books, and what goes with it.

use athm_core::Status;
use jiff::Timestamp;

use crate::{Effect, SimulatedPayment, SimulatorError, clock};

pub(crate) struct Entry {
    pub(crate) payment: SimulatedPayment,
    pub(crate) auth_token: String,
    pub(crate) token_ends: Timestamp,
    pub(crate) deadline: Timestamp,
    veil: Option<Veil>,
}

/// A change that is not seen yet.
struct Veil {
    /// What is seen instead: nothing, of a payment that is new.
    earlier: Option<SimulatedPayment>,
    until: Timestamp,
}

impl Entry {
    pub(super) fn new(payment: SimulatedPayment, auth_token: String, token_ends: Timestamp, now: Timestamp) -> Self {
        let deadline = clock::after(now, payment.timeout);
        Self { payment, auth_token, token_ends, deadline, veil: None }
    }

    /// The payment as find, search and report tell it.
    pub(crate) fn seen(&self, now: Timestamp) -> Option<&SimulatedPayment> {
        match &self.veil {
            Some(veil) if now < veil.until => veil.earlier.as_ref(),
            _ => Some(&self.payment),
        }
    }

    /// Puts a changed payment in the place of the one so far.
    pub(super) fn change(&mut self, payment: SimulatedPayment, effect: Effect, now: Timestamp) {
        let earlier = Some(std::mem::replace(&mut self.payment, payment));
        self.hide(earlier, effect, now);
    }

    /// Lets the present state be seen when its time comes, if its effect is late.
    pub(super) fn hide(&mut self, earlier: Option<SimulatedPayment>, effect: Effect, now: Timestamp) {
        if let Effect::Late(time) = effect {
            self.veil = Some(Veil { earlier, until: clock::after(now, time) });
        }
    }

    /// Lets it expire if it is time, and tells whether it did.
    pub(super) fn settle(&mut self, now: Timestamp) -> bool {
        let late = self.payment.is_pending() && now >= self.deadline;
        if late {
            self.payment.status = Status::Expired;
        }
        late
    }

    pub(super) fn wrong_status(&self, expected: &'static str, wanted: &'static str) -> SimulatorError {
        let payment = &self.payment;
        SimulatorError::WrongStatus { id: payment.ecommerce_id, status: payment.status.clone(), expected, wanted }
    }
}
