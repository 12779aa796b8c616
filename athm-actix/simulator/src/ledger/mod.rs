//! The provider's ledger: the payments and their state transitions.

mod entry;
mod generate;
mod lag;
#[cfg(test)]
mod tests;
mod transitions;

use std::collections::HashMap;
use std::time::Duration;

use athm_core::Status;
use athm_core::ids::EcommerceId;
use fastrand::Rng;
use jiff::Timestamp;
use jiff::civil::Date;

pub(super) use self::entry::Entry;
use self::lag::Lag;
use crate::business::Business;
use crate::clock::{self, Clock};
use crate::faults::{Effect, View};
use crate::payment::SimulatedPayment;

/// The life of an `auth_token`, as seen at the provider.
const TOKEN_LIFE: Duration = Duration::from_secs(900);

pub(super) struct Ledger {
    clock: Clock,
    business: Business,
    random: Rng,
    entries: Vec<Entry>,
    indices: HashMap<EcommerceId, usize>,
    tokens: HashMap<String, EcommerceId>,
    /// The day of the last completed payment, and the number of payments on it.
    day: (Date, u32),
    lag: Lag,
    revision: u64,
    /// Payments that changed since the last webhooks were scheduled.
    changes: Vec<SimulatedPayment>,
}

impl Ledger {
    pub(super) fn new(business: Business, clock: Clock, random: Rng) -> Self {
        Self {
            clock,
            business,
            random,
            entries: Vec::new(),
            indices: HashMap::new(),
            tokens: HashMap::new(),
            day: (Date::ZERO, 0),
            lag: Lag::default(),
            revision: 0,
            changes: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn business(&self) -> &Business {
        &self.business
    }

    /// Increases with each change, so that the page knows when to render again.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Changes from now on are shown by that view after `lag`.
    pub(super) fn set_lag(&mut self, view: View, lag: Duration) {
        self.lag.set(view, lag);
    }

    pub(super) fn lag(&self, view: View) -> Duration {
        self.lag.get(view)
    }

    pub(super) fn skip(&mut self, duration: Duration) {
        self.clock.skip(duration);
        self.revision += 1;
    }

    /// Every payment, in the order of arrival.
    pub(super) fn entries(&mut self) -> &[Entry] {
        let now = self.now();
        for entry in &mut self.entries {
            if entry.expire_if_due(self.lag, now) {
                self.revision += 1;
                self.changes.push(entry.payment.clone());
            }
        }
        &self.entries
    }

    /// Every payment as a view shows it, in the order of arrival.
    pub(super) fn visible(&mut self, view: View) -> impl Iterator<Item = &SimulatedPayment> {
        let now = self.now();
        self.entries().iter().filter_map(move |entry| entry.visible(view, now))
    }

    pub(super) fn entry(&mut self, id: &EcommerceId) -> Option<&Entry> {
        self.entry_mut(id).map(|entry| &*entry)
    }

    pub(super) fn entry_by_token(&mut self, auth_token: &str) -> Option<&Entry> {
        let id = *self.tokens.get(auth_token)?;
        self.entry(&id)
    }

    /// Takes the payments that changed since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<SimulatedPayment> {
        self.entries();
        std::mem::take(&mut self.changes)
    }

    /// Adds a payment, or replaces the one of its `ecommerceId`, which keeps its token and position. No webhook is
    /// sent.
    pub(super) fn insert(&mut self, payment: SimulatedPayment) -> EcommerceId {
        let payment = self.fill_in(payment);
        let (id, now, lag) = (payment.ecommerce_id, self.now(), self.lag);
        if let Some(entry) = self.entry_mut(&id) {
            entry.deadline = clock::after(now, payment.timeout);
            entry.change(payment, lag, now);
            self.revision += 1;
        } else {
            self.add(payment, Effect::Done);
        }
        id
    }

    /// A new id, from the seed.
    pub(crate) fn new_ecommerce_id(&mut self) -> EcommerceId {
        generate::ecommerce_id(&mut self.random)
    }

    fn add(&mut self, payment: SimulatedPayment, effect: Effect) -> EcommerceId {
        let (id, now) = (payment.ecommerce_id, self.now());
        let auth_token = generate::auth_token(&mut self.random);
        let lag = self.lag.with_effect(effect);
        let entry = Entry::new(payment, auth_token.clone(), clock::after(now, TOKEN_LIFE), lag, now);
        self.indices.insert(id, self.entries.len());
        self.tokens.insert(auth_token, id);
        self.entries.push(entry);
        self.revision += 1;
        id
    }

    fn entry_mut(&mut self, id: &EcommerceId) -> Option<&mut Entry> {
        let now = self.now();
        let entry = self.entries.get_mut(*self.indices.get(id)?)?;
        if entry.expire_if_due(self.lag, now) {
            self.revision += 1;
            self.changes.push(entry.payment.clone());
        }
        Some(entry)
    }

    /// Fills in absent fields.
    fn fill_in(&mut self, mut payment: SimulatedPayment) -> SimulatedPayment {
        payment.business_id.get_or_insert_with(|| self.business.id.clone());
        payment.business_name.get_or_insert_with(|| self.business.name.clone());
        if payment.status != Status::Completed {
            return payment;
        }
        let date = *payment.date.get_or_insert(self.clock.now());
        let fee = *payment.fee.get_or_insert(generate::fee_of(payment.total));
        payment.net_amount.get_or_insert(payment.total.checked_sub(fee).unwrap_or_default());
        if payment.daily_transaction_id.is_none() {
            payment.daily_transaction_id = Some(format!("{:04}", self.next_daily_number(clock::local(date).date())));
        }
        if payment.reference_number.is_none() {
            payment.reference_number = generate::reference(&mut self.random);
        }
        payment
    }

    fn next_daily_number(&mut self, date: Date) -> u32 {
        if self.day.0 != date {
            self.day = (date, 0);
        }
        self.day.1 += 1;
        self.day.1
    }
}
