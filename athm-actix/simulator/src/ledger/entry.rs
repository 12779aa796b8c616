//! One payment in the ledger, with its token, its deadline and a change that isn't visible yet.

use athm_core::Status;
use jiff::Timestamp;

use crate::{Effect, SimulatedPayment, SimulatorError, clock};

pub(crate) struct Entry {
    pub(crate) payment: SimulatedPayment,
    pub(crate) auth_token: String,
    pub(crate) token_expires_at: Timestamp,
    pub(crate) deadline: Timestamp,
    delayed: Option<DelayedChange>,
}

/// A change that find, search and report don't show yet.
struct DelayedChange {
    /// The state shown until then; `None` for a new payment, which isn't found.
    earlier: Option<SimulatedPayment>,
    until: Timestamp,
}

impl Entry {
    pub(super) fn new(
        payment: SimulatedPayment,
        auth_token: String,
        token_expires_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        let deadline = clock::after(now, payment.timeout);
        Self { payment, auth_token, token_expires_at, deadline, delayed: None }
    }

    /// The payment as find, search and report show it.
    pub(crate) fn visible(&self, now: Timestamp) -> Option<&SimulatedPayment> {
        match &self.delayed {
            Some(delayed) if now < delayed.until => delayed.earlier.as_ref(),
            _ => Some(&self.payment),
        }
    }

    /// Replaces the payment with its changed state.
    pub(super) fn change(&mut self, payment: SimulatedPayment, effect: Effect, now: Timestamp) {
        let earlier = Some(std::mem::replace(&mut self.payment, payment));
        self.delay_visibility(earlier, effect, now);
    }

    /// Shows `earlier` until a late effect is due.
    pub(super) fn delay_visibility(&mut self, earlier: Option<SimulatedPayment>, effect: Effect, now: Timestamp) {
        if let Effect::Late(time) = effect {
            self.delayed = Some(DelayedChange { earlier, until: clock::after(now, time) });
        }
    }

    /// Expires a pending payment past its deadline. Returns whether it expired now.
    pub(super) fn expire_if_due(&mut self, now: Timestamp) -> bool {
        let is_due = self.payment.is_pending() && now >= self.deadline;
        if is_due {
            self.payment.status = Status::Expired;
        }
        is_due
    }

    pub(super) fn wrong_status(&self, expected: &'static str, wanted: &'static str) -> SimulatorError {
        let payment = &self.payment;
        SimulatorError::WrongStatus { id: payment.ecommerce_id, status: payment.status.clone(), expected, wanted }
    }
}
