//! The provider's books: the payments, and how they move from state to state.

use std::collections::HashMap;
use std::time::Duration;

use athm_core::{Amount, EcommerceId, ReferenceNumber, Status};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::business::Business;
use super::clock::{self, Clock};
use super::{SimulatedPayment, SimulatorError};

/// How long the token of a new payment is good for, as the provider's are seen to be.
const TOKEN_LIFE: Duration = Duration::from_secs(900);

/// One payment, and what goes with it.
pub(super) struct Entry {
    pub(super) payment: SimulatedPayment,
    pub(super) auth_token: String,
    pub(super) token_ends: Timestamp,
    pub(super) deadline: Timestamp,
}

impl Entry {
    fn settle(&mut self, now: Timestamp) -> bool {
        let late = self.payment.is_pending() && now >= self.deadline;
        if late {
            self.payment.status = Status::Expired;
        }
        late
    }

    fn wrong_status(&self, expected: &'static str, wanted: &'static str) -> SimulatorError {
        let payment = &self.payment;
        SimulatorError::WrongStatus { id: payment.ecommerce_id, status: payment.status.clone(), expected, wanted }
    }
}

pub(super) struct Ledger {
    clock: Clock,
    business: Business,
    entries: Vec<Entry>,
    places: HashMap<EcommerceId, usize>,
    /// The day of the last completed payment, and how many it has had.
    day: (Date, u32),
    revision: u64,
}

impl Ledger {
    pub(super) fn new(business: Business) -> Self {
        Self {
            clock: Clock::default(),
            business,
            entries: Vec::new(),
            places: HashMap::new(),
            day: (Date::ZERO, 0),
            revision: 0,
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
            self.revision += u64::from(entry.settle(now));
        }
        &self.entries
    }

    pub(super) fn entry(&mut self, id: &EcommerceId) -> Option<&Entry> {
        self.entry_mut(id).map(|entry| &*entry)
    }

    pub(super) fn entry_by_token(&mut self, auth_token: &str) -> Option<&Entry> {
        let id = self.entries.iter().find(|entry| entry.auth_token == auth_token)?.payment.ecommerce_id;
        self.entry(&id)
    }

    /// Enters a payment, or replaces the one of its name, which keeps its token and its place.
    pub(super) fn insert(&mut self, mut payment: SimulatedPayment) -> EcommerceId {
        let (id, now) = (payment.ecommerce_id, self.now());
        payment.business_id.get_or_insert_with(|| self.business.id.clone());
        payment.business_name.get_or_insert_with(|| self.business.name.clone());
        if payment.status == Status::Completed {
            self.complete(&mut payment);
        }
        self.revision += 1;

        let deadline = clock::after(now, payment.timeout);
        if let Some(entry) = self.entry_mut(&id) {
            entry.payment = payment;
            entry.deadline = deadline;
        } else {
            self.places.insert(id, self.entries.len());
            let token_ends = clock::after(now, TOKEN_LIFE);
            self.entries.push(Entry { payment, auth_token: new_token(), token_ends, deadline });
        }
        id
    }

    pub(super) fn approve(&mut self, id: &EcommerceId) -> Result<(), SimulatorError> {
        let entry = self.known(id)?;
        if entry.payment.status != Status::Open {
            return Err(entry.wrong_status("open", "approved"));
        }
        entry.payment.status = Status::Confirmed;
        self.revision += 1;
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: &EcommerceId) -> Result<(), SimulatorError> {
        let entry = self.known(id)?;
        if !entry.payment.is_pending() {
            return Err(entry.wrong_status("open and confirmed", "cancelled"));
        }
        entry.payment.status = Status::Cancelled;
        self.revision += 1;
        Ok(())
    }

    /// Moves the money: confirmed becomes completed.
    pub(super) fn authorize(&mut self, id: &EcommerceId) -> Result<(), SimulatorError> {
        let entry = self.known(id)?;
        if entry.payment.status != Status::Confirmed {
            return Err(entry.wrong_status("confirmed", "authorized"));
        }
        let mut payment = entry.payment.clone();
        payment.status = Status::Completed;
        self.complete(&mut payment);
        self.known(id)?.payment = payment;
        self.revision += 1;
        Ok(())
    }

    fn known(&mut self, id: &EcommerceId) -> Result<&mut Entry, SimulatorError> {
        self.entry_mut(id).ok_or(SimulatorError::UnknownPayment { id: *id })
    }

    fn entry_mut(&mut self, id: &EcommerceId) -> Option<&mut Entry> {
        let now = self.now();
        let entry = self.entries.get_mut(*self.places.get(id)?)?;
        self.revision += u64::from(entry.settle(now));
        Some(entry)
    }

    /// Fills in what only a completed payment has, and leaves what it has.
    fn complete(&mut self, payment: &mut SimulatedPayment) {
        let date = *payment.date.get_or_insert(self.clock.now());
        let fee = *payment.fee.get_or_insert(fee_of(payment.total));
        payment.net_amount.get_or_insert(payment.total.checked_sub(fee).unwrap_or_default());
        if payment.daily_transaction_id.is_none() {
            payment.daily_transaction_id = Some(format!("{:04}", self.count(clock::local(date).date())));
        }
        if payment.reference_number.is_none() {
            payment.reference_number = new_reference();
        }
    }

    fn count(&mut self, date: Date) -> u32 {
        if self.day.0 != date {
            self.day = (date, 0);
        }
        self.day.1 += 1;
        self.day.1
    }
}

/// 2.25 % of the total, rounded half up, and at least six cents: a made-up tariff that gives what the provider's own
/// samples show for small payments. The real one is a matter between a business and its bank.
fn fee_of(total: Amount) -> Amount {
    let ten_thousandths = total.cents().saturating_mul(225);
    Amount::from_cents((ten_thousandths.saturating_add(5_000) / 10_000).max(6))
}

/// `NNN-hex32`, as the provider's of today. (What is made here always parses.)
fn new_reference() -> Option<ReferenceNumber> {
    format!("{}-{}", fastrand::u32(200_000_000..300_000_000), Uuid::now_v7().simple()).parse().ok()
}

/// Three parts and two points, like the provider's JWTs; opaque, like them.
fn new_token() -> String {
    let part = |length| -> String { std::iter::repeat_with(fastrand::alphanumeric).take(length).collect() };
    format!("{}.{}.{}", part(36), part(120), part(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger::new(Business::default())
    }

    fn payment(cents: i64) -> SimulatedPayment {
        SimulatedPayment::new(Amount::from_cents(cents))
    }

    fn status(ledger: &mut Ledger, id: &EcommerceId) -> Status {
        ledger.entry(id).unwrap().payment.status.clone()
    }

    #[test]
    fn money_moves_only_when_an_approved_payment_is_authorized() {
        let mut ledger = ledger();
        let id = ledger.insert(payment(2500));
        assert!(ledger.authorize(&id).is_err());
        ledger.approve(&id).unwrap();
        assert_eq!(ledger.entry(&id).unwrap().payment.reference_number, None);
        ledger.authorize(&id).unwrap();

        let paid = &ledger.entry(&id).unwrap().payment;
        assert_eq!(paid.status, Status::Completed);
        assert_eq!(paid.fee, Some(Amount::from_cents(56)));
        assert_eq!(paid.net_amount, Some(Amount::from_cents(2444)));
        assert_eq!(paid.daily_transaction_id.as_deref(), Some("0001"));
        let (number, hex) = paid.reference_number.as_ref().unwrap().as_str().split_once('-').unwrap();
        assert!(number.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(ledger.authorize(&id).is_err());
        assert!(ledger.cancel(&id).is_err());
    }

    #[test]
    fn time_ends_what_nobody_completed() {
        let mut ledger = ledger();
        let open = ledger.insert(payment(100).timeout(Duration::from_secs(120)));
        let confirmed = ledger.insert(payment(100).status(Status::Confirmed));
        let completed = ledger.insert(payment(100).status(Status::Completed));
        ledger.skip(Duration::from_secs(121));
        assert_eq!(status(&mut ledger, &open), Status::Expired);
        assert_eq!(status(&mut ledger, &confirmed), Status::Confirmed);
        ledger.skip(Duration::from_secs(480));
        assert_eq!(status(&mut ledger, &confirmed), Status::Expired);
        assert_eq!(status(&mut ledger, &completed), Status::Completed);
        assert!(ledger.approve(&open).is_err());
    }

    #[test]
    fn what_a_payment_was_given_is_kept() {
        let mut ledger = ledger();
        let fee = Amount::from_cents(1);
        let id = ledger.insert(payment(100).status(Status::Completed).fee(fee).daily_transaction_id("35"));
        let paid = &ledger.entry(&id).unwrap().payment;
        assert_eq!((paid.fee, paid.net_amount), (Some(fee), Some(Amount::from_cents(99))));
        assert_eq!(paid.daily_transaction_id.as_deref(), Some("35"));
    }

    #[test]
    fn the_daily_number_counts_within_a_day_of_puerto_rico() {
        let mut ledger = ledger();
        let mut number = |date: &str| {
            let id = ledger.insert(payment(100).status(Status::Completed).date(date.parse().unwrap()));
            ledger.entry(&id).unwrap().payment.daily_transaction_id.clone().unwrap()
        };
        assert_eq!(number("2026-03-01T23:00:00Z"), "0001");
        assert_eq!(number("2026-03-02T03:59:59Z"), "0002");
        assert_eq!(number("2026-03-02T04:00:00Z"), "0001");
    }

    #[test]
    fn every_change_raises_the_revision_and_reading_does_not() {
        let mut ledger = ledger();
        let id = ledger.insert(payment(100));
        let inserted = ledger.revision();
        ledger.entries();
        assert_eq!(ledger.revision(), inserted);
        ledger.approve(&id).unwrap();
        assert!(ledger.revision() > inserted);
    }

    #[test]
    fn the_fee_is_a_percentage_with_a_least() {
        let fee = |cents| fee_of(Amount::from_cents(cents)).cents();
        assert_eq!([fee(100), fee(266), fee(2_500), fee(150_000)], [6, 6, 56, 3_375]);
    }
}
