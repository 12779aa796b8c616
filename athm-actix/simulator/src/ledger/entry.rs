//! One payment in the ledger, with its token, its deadline and the earlier states that are still shown.

use athm_core::Status;
use jiff::Timestamp;

use super::lag::Lag;
use crate::clock;
use crate::error::SimulatorError;
use crate::faults::View;
use crate::payment::SimulatedPayment;

pub(crate) struct Entry {
    pub(crate) payment: SimulatedPayment,
    pub(crate) auth_token: String,
    pub(crate) token_expires_at: Timestamp,
    pub(crate) deadline: Timestamp,
    /// Oldest first.
    earlier: Vec<EarlierState>,
}

/// A state that a view shows although the payment has changed.
struct EarlierState {
    /// `None` before the payment existed: it isn't found.
    payment: Option<SimulatedPayment>,
    find_until: Timestamp,
    search_until: Timestamp,
}

impl EarlierState {
    fn until(&self, view: View) -> Timestamp {
        match view {
            View::Find => self.find_until,
            View::Search => self.search_until,
        }
    }
}

impl Entry {
    /// A new payment, which each view finds after its lag.
    pub(super) fn new(
        payment: SimulatedPayment,
        auth_token: String,
        token_expires_at: Timestamp,
        lag: Lag,
        now: Timestamp,
    ) -> Self {
        let deadline = clock::after(now, payment.timeout);
        let mut entry = Self { payment, auth_token, token_expires_at, deadline, earlier: Vec::new() };
        entry.keep_earlier(None, lag, now);
        entry
    }

    /// The payment as a view shows it.
    pub(crate) fn visible(&self, view: View, now: Timestamp) -> Option<&SimulatedPayment> {
        let earlier = self.earlier.iter().find(|earlier| now < earlier.until(view));
        earlier.map_or(Some(&self.payment), |earlier| earlier.payment.as_ref())
    }

    /// Replaces the payment with its changed state, which each view shows after its lag.
    pub(super) fn change(&mut self, payment: SimulatedPayment, lag: Lag, now: Timestamp) {
        let earlier = std::mem::replace(&mut self.payment, payment);
        self.keep_earlier(Some(earlier), lag, now);
    }

    fn keep_earlier(&mut self, payment: Option<SimulatedPayment>, lag: Lag, now: Timestamp) {
        let (find_until, search_until) = (lag.end(View::Find, now), lag.end(View::Search, now));
        self.earlier.retain(|earlier| now < earlier.find_until || now < earlier.search_until);
        if now < find_until || now < search_until {
            self.earlier.push(EarlierState { payment, find_until, search_until });
        }
    }

    /// Expires a pending payment past its deadline. Returns whether it expired now.
    pub(super) fn expire_if_due(&mut self, lag: Lag, now: Timestamp) -> bool {
        let is_due = self.payment.is_pending() && now >= self.deadline;
        if is_due {
            let expired = self.payment.clone().status(Status::Expired);
            self.change(expired, lag, now);
        }
        is_due
    }

    pub(super) fn wrong_status(&self, expected: &'static str, wanted: &'static str) -> SimulatorError {
        let payment = &self.payment;
        SimulatorError::WrongStatus { id: payment.ecommerce_id, status: payment.status.clone(), expected, wanted }
    }
}
