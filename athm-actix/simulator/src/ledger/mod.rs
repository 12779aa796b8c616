//! The provider's books: the payments, and how they move from state to state.

mod entry;
mod moves;
mod numbers;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use athm_core::{EcommerceId, Status};
use fastrand::Rng;
use jiff::Timestamp;
use jiff::civil::Date;

pub(super) use self::entry::Entry;
use super::business::Business;
use super::clock::{self, Clock};
use super::{Effect, SimulatedPayment};

/// How long the token of a new payment is good for, as the provider's are seen to be.
const TOKEN_LIFE: Duration = Duration::from_secs(900);

pub(super) struct Ledger {
    clock: Clock,
    business: Business,
    random: Rng,
    entries: Vec<Entry>,
    places: HashMap<EcommerceId, usize>,
    tokens: HashMap<String, EcommerceId>,
    /// The day of the last completed payment, and how many it has had.
    day: (Date, u32),
    revision: u64,
    /// What has happened that somebody may want to hear of.
    news: Vec<SimulatedPayment>,
}

impl Ledger {
    pub(super) fn new(business: Business, clock: Clock, random: Rng) -> Self {
        Self {
            clock,
            business,
            random,
            entries: Vec::new(),
            places: HashMap::new(),
            tokens: HashMap::new(),
            day: (Date::ZERO, 0),
            revision: 0,
            news: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn business(&self) -> &Business {
        &self.business
    }

    /// Grows whenever a payment changes, so that a page knows when to draw itself anew.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn skip(&mut self, duration: Duration) {
        self.clock.skip(duration);
        self.revision += 1;
    }

    /// Every payment, in the order of arrival.
    pub(super) fn entries(&mut self) -> &[Entry] {
        let now = self.now();
        for entry in &mut self.entries {
            if entry.settle(now) {
                self.revision += 1;
                self.news.push(entry.payment.clone());
            }
        }
        &self.entries
    }

    /// Every payment as find, search and report tell it, in the order of arrival.
    pub(super) fn seen(&mut self) -> impl Iterator<Item = &SimulatedPayment> {
        let now = self.now();
        self.entries().iter().filter_map(move |entry| entry.seen(now))
    }

    pub(super) fn entry(&mut self, id: &EcommerceId) -> Option<&Entry> {
        self.entry_mut(id).map(|entry| &*entry)
    }

    pub(super) fn entry_by_token(&mut self, auth_token: &str) -> Option<&Entry> {
        let id = *self.tokens.get(auth_token)?;
        self.entry(&id)
    }

    /// What has happened since the last time.
    pub(super) fn take_news(&mut self) -> Vec<SimulatedPayment> {
        self.entries();
        std::mem::take(&mut self.news)
    }

    /// Enters a payment, or replaces the one of its name, which keeps its token and its place. Nobody is told.
    pub(super) fn insert(&mut self, payment: SimulatedPayment) -> EcommerceId {
        let payment = self.completed(payment);
        let (id, now) = (payment.ecommerce_id, self.now());
        if let Some(entry) = self.entry_mut(&id) {
            entry.deadline = clock::after(now, payment.timeout);
            entry.change(payment, Effect::Done, now);
            self.revision += 1;
        } else {
            self.enter(payment, Effect::Done);
        }
        id
    }

    fn enter(&mut self, payment: SimulatedPayment, effect: Effect) -> EcommerceId {
        let (id, now) = (payment.ecommerce_id, self.now());
        let auth_token = numbers::auth_token(&mut self.random);
        let mut entry = Entry::new(payment, auth_token.clone(), clock::after(now, TOKEN_LIFE), now);
        entry.hide(None, effect, now);
        self.places.insert(id, self.entries.len());
        self.tokens.insert(auth_token, id);
        self.entries.push(entry);
        self.revision += 1;
        id
    }

    fn entry_mut(&mut self, id: &EcommerceId) -> Option<&mut Entry> {
        let now = self.now();
        let entry = self.entries.get_mut(*self.places.get(id)?)?;
        if entry.settle(now) {
            self.revision += 1;
            self.news.push(entry.payment.clone());
        }
        Some(entry)
    }

    /// Fills in what a payment lacks, and leaves what it has.
    fn completed(&mut self, mut payment: SimulatedPayment) -> SimulatedPayment {
        payment.business_id.get_or_insert_with(|| self.business.id.clone());
        payment.business_name.get_or_insert_with(|| self.business.name.clone());
        if payment.status != Status::Completed {
            return payment;
        }
        let date = *payment.date.get_or_insert(self.clock.now());
        let fee = *payment.fee.get_or_insert(numbers::fee_of(payment.total));
        payment.net_amount.get_or_insert(payment.total.checked_sub(fee).unwrap_or_default());
        if payment.daily_transaction_id.is_none() {
            payment.daily_transaction_id = Some(format!("{:04}", self.count(clock::local(date).date())));
        }
        if payment.reference_number.is_none() {
            payment.reference_number = numbers::reference(&mut self.random);
        }
        payment
    }

    fn count(&mut self, date: Date) -> u32 {
        if self.day.0 != date {
            self.day = (date, 0);
        }
        self.day.1 += 1;
        self.day.1
    }
}
