//! The refunds of one payment.
//!
//! The provider never lists the refunds of a payment. It reports one cumulative *refunded amount*, and single refunds reach us
//! in other ways: as the answer to our own call, as a webhook, as a row of a report; in any order, more than once, or never.
//! The refunded amount decides how much was refunded; everything else only says which refunds made up the sum:
//!
//! - An increase from X to Y makes refunds worth exactly Y − X: those reported in detail first, the rest as one refund without
//!   detail.
//! - A detail that arrives later finds its refund, or splits it off a larger one without detail. It fires no signal.
//!
//! So every cent is one refund and one signal, whichever source reports it first. An example, for a payment of 25.00:
//!
//! | what arrives | refunded amount | ledger afterwards | signals |
//! |---|---|---|---|
//! | a poll shows 8.00 | 0.00 → 8.00 | 8.00 without detail | `refunded` 8.00 |
//! | a webhook reports a refund of 3.00, number 12 | 8.00 | 3.00 (number 12), 5.00 without detail | none |
//! | our call for 7.00 is confirmed: refunded amount 15.00 | 8.00 → 15.00 | 3.00 (12), 5.00, 7.00 (ours) | `refunded` 7.00 |
//! | the webhook of our 7.00, number 13 | 15.00 | 3.00 (12), 5.00, 7.00 (ours, 13) | none |

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;

use crate::models::{
    Amount, Refund, RefundDetail, RefundId, RefundRecord, RefundState, ReportedRefund, Transaction, TransactionId,
};
use crate::util::clock::{earlier, later};

/// How much earlier than our request a refund of ours may be dated: the provider's clock may differ.
const SKEW: Duration = Duration::from_secs(60);
/// How much later: that difference, and the minute that a call may take.
const SKEW_AND_CALL: Duration = Duration::from_secs(120);

/// The refunds of one payment: those that were done, in their order, then pending ones and those that weren't done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RefundLedger(Vec<RefundRecord>);

impl FromIterator<RefundRecord> for RefundLedger {
    fn from_iter<I: IntoIterator<Item = RefundRecord>>(records: I) -> Self {
        Self(records.into_iter().collect())
    }
}

impl RefundLedger {
    /// The refund that has no known outcome yet.
    pub(crate) fn pending(&self) -> Option<&RefundRecord> {
        self.0.iter().find(|refund| refund.state == RefundState::Pending)
    }

    /// The refunds that are new or changed, which have to be written.
    pub(crate) fn changed_since(self, before: &Self) -> Vec<RefundRecord> {
        self.0.into_iter().filter(|refund| !before.0.contains(refund)).collect()
    }

    /// Merges the refunds of another row that turned out to be the same payment.
    pub(crate) fn merge(&mut self, into: &mut Transaction, other: &Transaction, refunds: &Self) {
        let (done, rest): (Vec<_>, Vec<_>) =
            refunds.0.iter().cloned().partition(|refund| refund.state == RefundState::Done);
        self.0.extend(rest.into_iter().map(|refund| RefundRecord { transaction_id: into.id, ..refund }));
        let known_apart = done.into_iter().filter(|refund| refund.is_ours || !refund.detail().is_bare());
        let reported = known_apart.map(|refund| ReportedRefund { refund: Some(refund.id), detail: refund.detail() });
        let reported: Vec<_> = reported.collect();
        let known = other.refunded_amount.max(into.refunded_amount);
        self.record(into, known, &reported, other.updated_at);
        into.refunded_amount = known;
        for kept in &mut self.0 {
            if let Some(ours) = refunds.0.iter().find(|refund| refund.id == kept.id && refund.is_ours) {
                (kept.is_ours, kept.created_at) = (true, ours.created_at);
            }
        }
    }

    /// Records the refunded amount that the provider reports, and what is reported of single refunds. Returns the refunds
    /// that are new, each of which fires a signal. `of` is the payment before the change.
    pub(in crate::models) fn record(
        &mut self,
        of: &Transaction,
        cumulative: Amount,
        reported: &[ReportedRefund],
        at: Timestamp,
    ) -> Vec<Refund> {
        self.backfill(of);
        let confirmed: Vec<_> = reported.iter().filter_map(|reported| reported.refund).collect();
        let own = of.reference_number.as_ref();
        let reported = reported.iter().cloned().map(|mut reported| {
            // The payment's own reference number doesn't distinguish its refunds.
            reported.detail.reference_number.take_if(|reference| Some(&*reference) == own);
            reported
        });
        let mut fresh: Vec<ReportedRefund> = reported.filter(|reported| !self.fill_known(reported)).collect();
        fresh.sort_by_key(|reported| reported.detail.date);
        fresh.retain(|reported| !self.split_off(reported, at));
        let cumulative = cumulative.max(self.least(of, &confirmed));
        // A reported refund that doesn't fit into the increase is reported again once the refunded amount shows it. None of
        // the increase's refunds without detail can include it: it is larger than what was left.
        let fired = self.allocate_increase(of, cumulative, &mut fresh, at);
        self.sort();
        confirmed.into_iter().for_each(|id| self.confirm(id, cumulative.max(of.refunded_amount)));
        fired
    }

    /// The least that has been refunded, once the provider has confirmed these refunds of ours: its answer may carry the
    /// sum from before. A refund is part of the recorded sum only if that has risen by its amount since the request.
    ///
    /// Asked for 10.00 of 25.00, 3.00 seen meanwhile, answered with a sum of 0.00: 3.00 can't hold the 10.00, so that
    /// 13.00 have been refunded.
    fn least(&self, of: &Transaction, confirmed: &[RefundId]) -> Amount {
        let pending = self.0.iter().filter(|kept| kept.state == RefundState::Pending && confirmed.contains(&kept.id));
        let uncounted = pending.filter(|kept| {
            let since = self.done().filter(|other| !other.is_ours && other.created_at >= kept.created_at);
            since.map(|other| other.amount).fold(Amount::ZERO, sum) < kept.amount
        });
        let least = uncounted.map(|kept| kept.amount).fold(of.refunded_amount, sum);
        least.min(of.total.max(of.refunded_amount))
    }

    /// Puts a refund of ours into the ledger that the provider has confirmed, although the sum didn't rise with it. Its amount
    /// was recorded before, as a refund without detail or of another source: that one is reduced, so that the sum stays right.
    fn confirm(&mut self, id: RefundId, cumulative: Amount) {
        let Some(place) = self.0.iter().position(|kept| kept.id == id && kept.state == RefundState::Pending) else {
            return;
        };
        let mut excess = difference(sum(self.total(), self.0[place].amount), cumulative);
        let mut others: Vec<_> =
            self.0.iter_mut().filter(|kept| kept.state == RefundState::Done && !kept.is_ours).collect();
        // Refunds without detail are reduced before those with one, and the latest first: the detail is the better evidence.
        others.sort_by_key(|kept| (!kept.detail().is_bare(), Reverse(kept.total_refunded)));
        for other in others {
            let taken = other.amount.min(excess);
            excess = difference(excess, taken);
            if taken == other.amount {
                (other.state, other.total_refunded) = (RefundState::NotDone, None);
            } else {
                other.amount = difference(other.amount, taken);
            }
        }
        self.0[place].mark_done(Some(cumulative));
        self.add_up();
    }

    /// Sorts by the order in which they were done; pending ones and those not done come last.
    fn sort(&mut self) {
        self.0.sort_by_key(|refund| (refund.total_refunded.is_none(), refund.total_refunded));
    }

    /// Computes the running total after each refund.
    fn add_up(&mut self) {
        self.sort();
        let mut reached = Amount::ZERO;
        for refund in self.0.iter_mut().filter(|refund| refund.state == RefundState::Done) {
            reached = sum(reached, refund.amount);
            refund.total_refunded = Some(reached);
        }
    }

    /// Adds one refund for what the payment's refunded amount has beyond the refunds that are recorded, as in rows of a version
    /// that didn't record single refunds.
    fn backfill(&mut self, of: &Transaction) {
        if let Some(amount) = of.refunded_amount.checked_sub(self.total()).filter(|amount| *amount > Amount::ZERO) {
            self.0.push(without_detail(of.id, amount, of.refunded_amount, of.updated_at));
        }
    }

    /// Fills the detail into the refund that it belongs to, if that one is recorded. A detail without any distinction belongs to
    /// some refund of the sum, so there is nothing to fill in.
    fn fill_known(&mut self, reported: &ReportedRefund) -> bool {
        let ReportedRefund { refund, detail } = reported;
        if refund.is_none() && detail.is_bare() {
            return true;
        }
        let is_it = |kept: &RefundRecord| Some(kept.id) == *refund || kept.is(detail);
        let known = self.0.iter().position(|kept| kept.state != RefundState::NotDone && is_it(kept));
        let place = known.or_else(|| self.0.iter().position(|kept| may_be_ours(kept, detail)));
        let Some(place) = place else { return false };
        self.0[place].fill(detail);
        true
    }

    /// The refund that is recorded with this detail.
    pub(crate) fn find(&self, detail: &RefundDetail) -> Option<&RefundRecord> {
        self.done().find(|kept| kept.is(detail))
    }

    /// Whether what is recorded without detail includes this refund, by the provider's answer of that time.
    pub(crate) fn includes(&self, detail: &RefundDetail, at: Timestamp) -> bool {
        self.done().any(|kept| kept.includes(detail, at))
    }

    /// The refund that a message states, if it is recorded: the refunded amount after it, and its own amount. What nothing
    /// distinguishes is any refund of that amount.
    pub(crate) fn find_stated(&self, detail: &RefundDetail, at: Timestamp) -> Option<(Amount, Amount)> {
        let is_it = |kept: &&RefundRecord| kept.is(detail) || (detail.is_bare() && kept.amount == detail.amount);
        let kept = self.done().find(is_it).or_else(|| self.done().find(|kept| kept.includes(detail, at)))?;
        Some((kept.total_refunded.unwrap_or_default(), detail.amount))
    }

    /// Splits the reported refund off one without detail that includes it.
    fn split_off(&mut self, reported: &ReportedRefund, at: Timestamp) -> bool {
        let includes = |kept: &RefundRecord| kept.includes(&reported.detail, at);
        let Some(place) = self.0.iter().position(includes) else { return false };
        self.split(place, reported);
        true
    }

    /// Splits the reported refund off the refund at this place.
    fn split(&mut self, place: usize, reported: &ReportedRefund) {
        let whole = &mut self.0[place];
        let rest = difference(whole.amount, reported.detail.amount);
        if rest.is_zero() {
            whole.fill(&reported.detail);
            return;
        }
        let total = whole.total_refunded.map(|total| difference(total, rest));
        let id = reported.refund.unwrap_or_else(RefundId::new);
        let mut part = RefundRecord { id, amount: reported.detail.amount, total_refunded: total, ..whole.clone() };
        whole.amount = rest;
        part.fill(&reported.detail);
        self.0.insert(place, part);
    }

    /// Adds refunds worth exactly the increase of the refunded amount, in the order of the evidence: our own confirmed ones,
    /// reported ones, our own unconfirmed ones, and the rest as one without detail. Of these, each is added only while it fits
    /// into what is left of the increase.
    ///
    /// An increase of 10.00, with 7.00 of ours confirmed, 4.00 reported and 2.00 of ours unconfirmed: 7.00 fits, 4.00 doesn't
    /// fit into the 3.00 left and stays in `fresh`, 2.00 fits, and the last 1.00 becomes a refund without detail.
    fn allocate_increase(
        &mut self,
        of: &Transaction,
        cumulative: Amount,
        fresh: &mut Vec<ReportedRefund>,
        at: Timestamp,
    ) -> Vec<Refund> {
        let explains_it = |all: Amount| all == difference(cumulative, of.refunded_amount);
        let is_reported = explains_it(fresh.iter().map(|reported| reported.detail.amount).fold(Amount::ZERO, sum));
        let mut reached = of.refunded_amount;
        let mut fired = Vec::new();
        let mut allocate = |amount: Amount| {
            let total_refunded = reached.checked_add(amount).filter(|total| *total <= cumulative)?;
            reached = total_refunded;
            fired.push(Refund { amount, total_refunded });
            Some(total_refunded)
        };
        let mut pending: Vec<_> = self.0.iter_mut().filter(|refund| refund.state == RefundState::Pending).collect();
        // Confirmed ones, which carry a detail, come before unconfirmed ones.
        pending.sort_by_key(|refund| Reverse(!refund.detail().is_bare()));
        let confirmed = pending.iter().take_while(|refund| !refund.detail().is_bare()).count();
        let mut unconfirmed = pending.split_off(confirmed);
        // The increase is exactly what we asked for: then reports that don't fit belong to another time or another payment.
        if !is_reported && explains_it(unconfirmed.iter().map(|refund| refund.amount).fold(Amount::ZERO, sum)) {
            pending.append(&mut unconfirmed);
        }
        let mut new = Vec::new();
        pending.into_iter().for_each(|refund| refund.mark_done(allocate(refund.amount)));
        fresh.retain(|reported| {
            let Some(total) = allocate(reported.detail.amount) else { return true };
            let mut refund = without_detail(of.id, reported.detail.amount, total, at);
            refund.id = reported.refund.unwrap_or(refund.id);
            refund.fill(&reported.detail);
            new.push(refund);
            false
        });
        unconfirmed.into_iter().for_each(|refund| refund.mark_done(allocate(refund.amount)));
        if let Some(rest) = cumulative.checked_sub(reached).filter(|rest| *rest > Amount::ZERO) {
            new.push(without_detail(of.id, rest, cumulative, at));
            fired.push(Refund { amount: rest, total_refunded: cumulative });
        }
        self.0.extend(new);
        fired
    }

    /// The sum of the refunds that were done.
    pub(in crate::models) fn total(&self) -> Amount {
        self.done().map(|refund| refund.amount).fold(Amount::ZERO, sum)
    }

    fn done(&self) -> impl Iterator<Item = &RefundRecord> {
        self.0.iter().filter(|refund| refund.state == RefundState::Done)
    }
}

impl RefundRecord {
    fn mark_done(&mut self, total: Option<Amount>) {
        if total.is_some() {
            (self.state, self.total_refunded) = (RefundState::Done, total);
        }
    }
}

/// Whether a reported refund may be one that we asked for and that has no detail yet.
///
/// One that is pending may be done at any time after the request. One that was done is part of an earlier sum: what is dated
/// long after the request is a later refund, also if it is of the same amount.
fn may_be_ours(kept: &RefundRecord, detail: &RefundDetail) -> bool {
    let is_in_time = detail.date.is_none_or(|date| {
        let latest = later(kept.created_at, SKEW_AND_CALL);
        date >= earlier(kept.created_at, SKEW) && (kept.state == RefundState::Pending || date <= latest)
    });
    let is_open = kept.is_ours && kept.state != RefundState::NotDone && kept.detail().is_bare();
    is_open && kept.amount == detail.amount && is_in_time
}

fn without_detail(of: TransactionId, amount: Amount, total: Amount, at: Timestamp) -> RefundRecord {
    RefundRecord {
        id: RefundId::new(),
        transaction_id: of,
        amount,
        state: RefundState::Done,
        total_refunded: Some(total),
        is_ours: false,
        reference_number: None,
        daily_transaction_id: None,
        date: None,
        created_at: at,
    }
}

fn sum(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(one)
}

fn difference(whole: Amount, part: Amount) -> Amount {
    whole.checked_sub(part).unwrap_or(Amount::ZERO)
}

#[cfg(test)]
mod tests;
