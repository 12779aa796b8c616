//! When a payment of a checkout may be opened, and when a phone may be asked to approve one.
//!
//! The rules are applied under the checkout's lock, so that two tabs, two processes and a double click open one payment.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::{Checkout, CheckoutId, CheckoutState};
use crate::models::PhoneNumber;

/// The request to open a payment.
#[derive(Debug, Clone)]
pub(crate) struct BeginPayment {
    pub(crate) checkout: CheckoutId,
    pub(crate) phone: PhoneNumber,
    pub(crate) email: Option<SecretString>,
    /// How many attempts the customer's page knew of; `None` without a page. A form that is posted again later knows of
    /// fewer, and opens nothing.
    pub(crate) known_attempts: Option<u32>,
    pub(crate) limits: PushLimits,
    /// The time of day.
    pub(crate) at: Timestamp,
    /// The steady time, and when the call counts as ended if its process dies.
    pub(crate) now: Timestamp,
    pub(crate) ends_at: Timestamp,
}

/// The request to have another phone approve the open payment.
#[derive(Debug, Clone)]
pub(crate) struct BeginPush {
    pub(crate) checkout: CheckoutId,
    pub(crate) phone: PhoneNumber,
    pub(crate) limits: PushLimits,
    pub(crate) at: Timestamp,
    pub(crate) now: Timestamp,
}

/// How many times customers may be asked to approve within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PushLimits {
    /// On one phone, whatever the checkout.
    pub(crate) per_phone: u32,
    /// For one checkout, whatever the phone.
    pub(crate) per_checkout: u32,
}

impl PushLimits {
    /// The time within which pushes are counted.
    pub(crate) const WINDOW: Duration = Duration::from_secs(60 * 60);
}

impl Default for PushLimits {
    fn default() -> Self {
        Self { per_phone: 5, per_checkout: 10 }
    }
}

/// How many pushes there were within the last hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PushCounts {
    pub(crate) of_phone: u32,
    pub(crate) of_checkout: u32,
}

/// An attempt whose intent is stored.
#[derive(Debug, Clone)]
pub(crate) struct StartedAttempt {
    pub(crate) id: Uuid,
    pub(crate) number: u32,
}

/// Why nothing is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotBegun {
    UnknownCheckout,
    /// It is paid, or a payment is open already, or the form is an old one: the customer is shown how it stands.
    NotNow,
    /// The customer was asked too often.
    TooManyPushes,
}

impl BeginPayment {
    pub(crate) fn decide(&self, checkout: Option<&Checkout>, pushes: PushCounts) -> Result<StartedAttempt, NotBegun> {
        let checkout = checkout.ok_or(NotBegun::UnknownCheckout)?;
        let is_stale = self.known_attempts.is_some_and(|known| known != checkout.attempts());
        let is_paid = checkout.state() == CheckoutState::Completed;
        if is_stale || is_paid || checkout.open_attempt().is_some() {
            return Err(NotBegun::NotNow);
        }
        self.limits.allow(pushes)?;
        Ok(StartedAttempt { id: Uuid::now_v7(), number: checkout.attempts().saturating_add(1) })
    }
}

impl BeginPush {
    pub(crate) fn decide(&self, checkout: Option<&Checkout>, pushes: PushCounts) -> Result<Uuid, NotBegun> {
        let checkout = checkout.ok_or(NotBegun::UnknownCheckout)?;
        let open = checkout.open_attempt().filter(|open| open.payment.is_some() && !checkout.is_approved());
        let open = open.ok_or(NotBegun::NotNow)?;
        self.limits.allow(pushes)?;
        Ok(open.id)
    }
}

impl PushLimits {
    fn allow(self, pushes: PushCounts) -> Result<(), NotBegun> {
        let is_within = pushes.of_phone < self.per_phone && pushes.of_checkout < self.per_checkout;
        if is_within { Ok(()) } else { Err(NotBegun::TooManyPushes) }
    }
}
