//! The refunds of one payment.
//!
//! The provider's cumulative refunded amount is the ledger. An increase from X to Y makes refunds worth exactly Y − X:
//! those known in detail first, the rest as one without detail. A detail that comes later finds its refund, or splits it
//! off one that was seen as a whole, and is no news. So whoever tells of a refund first (our own call, a webhook, a
//! report), it is one refund and one signal.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use crate::models::{
    Amount, Refund, RefundDetail, RefundId, RefundRecord, RefundState, ReportedRefund, Transaction, TransactionId,
};

/// How much earlier than we asked for it a refund of ours may be dated: clocks differ.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The refunds of one payment: those of the ledger in its order, and those that aren't in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RefundLedger(Vec<RefundRecord>);

impl FromIterator<RefundRecord> for RefundLedger {
    fn from_iter<I: IntoIterator<Item = RefundRecord>>(records: I) -> Self {
        Self(records.into_iter().collect())
    }
}

impl RefundLedger {
    /// The one of which nobody knows whether it was done.
    pub(crate) fn pending(&self) -> Option<&RefundRecord> {
        self.0.iter().find(|refund| refund.state == RefundState::Pending)
    }

    /// Those that are other than they were.
    pub(crate) fn changed_since(self, before: &Self) -> Vec<RefundRecord> {
        self.0.into_iter().filter(|refund| !before.0.contains(refund)).collect()
    }

    /// Takes in the refunds of another row of the same payment, and what it knows of the ledger.
    pub(crate) fn merge(&mut self, into: &mut Transaction, other: &Transaction, refunds: &Self) {
        let (ledger, rest): (Vec<_>, Vec<_>) =
            refunds.0.iter().cloned().partition(|refund| refund.state == RefundState::Done);
        self.0.extend(rest.into_iter().map(|refund| RefundRecord { transaction_id: into.id, ..refund }));
        let known_apart = ledger.into_iter().filter(|refund| refund.is_ours || !refund.detail().is_bare());
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

    /// Takes in what the provider says has been given back in all, and what it tells of single refunds. Returns what is
    /// new in the ledger. The payment is as it was before.
    pub(in crate::models) fn record(
        &mut self,
        of: &Transaction,
        ledger: Amount,
        reported: &[ReportedRefund],
        at: Timestamp,
    ) -> Vec<Refund> {
        self.backfill(of);
        let answered: Vec<_> = reported.iter().filter_map(|reported| reported.refund).collect();
        let own = of.reference_number.as_ref();
        let reported = reported.iter().cloned().map(|mut reported| {
            // The payment's own number doesn't tell one refund from another.
            reported.detail.reference_number.take_if(|reference| Some(&*reference) == own);
            reported
        });
        let mut fresh: Vec<ReportedRefund> = reported.filter(|reported| !self.fill_known(reported)).collect();
        fresh.sort_by_key(|reported| reported.detail.date);
        fresh.retain(|reported| !self.split_earlier(reported));
        let news = self.allocate_increase(of, ledger, &mut fresh, at);
        fresh.iter().for_each(|reported| self.split_any(reported));
        self.sort();
        answered.into_iter().for_each(|id| self.confirm(id, ledger.max(of.refunded_amount)));
        news
    }

    /// One that was answered, and that is in the ledger without having been recognised: what was taken for another one
    /// makes room for it.
    fn confirm(&mut self, id: RefundId, ledger: Amount) {
        let Some(place) = self.0.iter().position(|kept| kept.id == id && kept.state == RefundState::Pending) else {
            return;
        };
        let mut excess = difference(sum(self.total(), self.0[place].amount), ledger);
        let mut others: Vec<_> =
            self.0.iter_mut().filter(|kept| kept.state == RefundState::Done && !kept.is_ours).collect();
        // What was told in detail was told of this payment more surely; of the others the last one.
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
        self.0[place].settle(Some(ledger));
        self.add_up();
    }

    /// As they were given back; those that weren't, or not yet, come last.
    fn sort(&mut self) {
        self.0.sort_by_key(|refund| (refund.total_refunded.is_none(), refund.total_refunded));
    }

    /// What had been given back in all after each.
    fn add_up(&mut self) {
        self.sort();
        let mut reached = Amount::ZERO;
        for refund in self.0.iter_mut().filter(|refund| refund.state == RefundState::Done) {
            reached = sum(reached, refund.amount);
            refund.total_refunded = Some(reached);
        }
    }

    /// What had been given back before anybody kept single refunds.
    fn backfill(&mut self, of: &Transaction) {
        if let Some(amount) = of.refunded_amount.checked_sub(self.total()).filter(|amount| *amount > Amount::ZERO) {
            self.0.push(without_detail(of.id, amount, of.refunded_amount, of.updated_at));
        }
    }

    /// One that is kept already: its detail is filled in.
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

    /// One that was seen without detail, at its time.
    fn split_earlier(&mut self, reported: &ReportedRefund) -> bool {
        let Some(date) = reported.detail.date else { return false };
        let is_home = |kept: &RefundRecord| kept.may_hold(&reported.detail) && kept.created_at >= date;
        let Some(place) = self.0.iter().position(is_home) else { return false };
        self.split(place, reported);
        true
    }

    /// One that was seen without detail, of that amount or else of more. What fits nowhere is ahead of the ledger: it
    /// will be told again.
    fn split_any(&mut self, reported: &ReportedRefund) {
        let exact = |kept: &RefundRecord| kept.may_hold(&reported.detail) && kept.amount == reported.detail.amount;
        let any = |kept: &RefundRecord| kept.may_hold(&reported.detail);
        let place = self.0.iter().position(exact).or_else(|| self.0.iter().position(any));
        if let Some(place) = place {
            self.split(place, reported);
        }
    }

    /// Parts what is told from what else was seen with it.
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

    /// Puts refunds worth exactly the increase into the ledger.
    fn allocate_increase(
        &mut self,
        of: &Transaction,
        ledger: Amount,
        fresh: &mut Vec<ReportedRefund>,
        at: Timestamp,
    ) -> Vec<Refund> {
        let explains_it = |all: Amount| all == difference(ledger, of.refunded_amount);
        let is_told = explains_it(fresh.iter().map(|reported| reported.detail.amount).fold(Amount::ZERO, sum));
        let mut reached = of.refunded_amount;
        let mut news = Vec::new();
        let mut settle = |amount: Amount| {
            let total_refunded = reached.checked_add(amount).filter(|total| *total <= ledger)?;
            reached = total_refunded;
            news.push(Refund { amount, total_refunded });
            Some(total_refunded)
        };
        let mut pending: Vec<_> = self.0.iter_mut().filter(|refund| refund.state == RefundState::Pending).collect();
        // Those that were answered come before those of which nobody has heard.
        pending.sort_by_key(|refund| Reverse(!refund.detail().is_bare()));
        let answered = pending.iter().take_while(|refund| !refund.detail().is_bare()).count();
        let mut unheard = pending.split_off(answered);
        // Exactly what we asked for was given back: what is told besides is of another time, or of another payment.
        if !is_told && explains_it(unheard.iter().map(|refund| refund.amount).fold(Amount::ZERO, sum)) {
            pending.append(&mut unheard);
        }
        let mut new = Vec::new();
        pending.into_iter().for_each(|refund| refund.settle(settle(refund.amount)));
        fresh.retain(|reported| {
            let Some(total) = settle(reported.detail.amount) else { return true };
            let mut refund = without_detail(of.id, reported.detail.amount, total, at);
            refund.id = reported.refund.unwrap_or(refund.id);
            refund.fill(&reported.detail);
            new.push(refund);
            false
        });
        unheard.into_iter().for_each(|refund| refund.settle(settle(refund.amount)));
        if let Some(rest) = ledger.checked_sub(reached).filter(|rest| *rest > Amount::ZERO) {
            new.push(without_detail(of.id, rest, ledger, at));
            news.push(Refund { amount: rest, total_refunded: ledger });
        }
        self.0.extend(new);
        news
    }

    /// What all that are in the ledger give back.
    pub(in crate::models) fn total(&self) -> Amount {
        self.in_ledger().map(|refund| refund.amount).fold(Amount::ZERO, sum)
    }

    fn in_ledger(&self) -> impl Iterator<Item = &RefundRecord> {
        self.0.iter().filter(|refund| refund.state == RefundState::Done)
    }
}

impl RefundRecord {
    fn settle(&mut self, total: Option<Amount>) {
        if total.is_some() {
            (self.state, self.total_refunded) = (RefundState::Done, total);
        }
    }
}

/// Whether the provider tells of one that we asked for, and of which it had told nothing.
fn may_be_ours(kept: &RefundRecord, detail: &RefundDetail) -> bool {
    let is_late_enough = detail.date.is_none_or(|date| date >= earlier(kept.created_at));
    let is_open = kept.is_ours && kept.state != RefundState::NotDone && kept.detail().is_bare();
    is_open && kept.amount == detail.amount && is_late_enough
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

fn earlier(time: Timestamp) -> Timestamp {
    time.saturating_sub(SKEW).unwrap_or(time)
}

fn sum(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(one)
}

fn difference(whole: Amount, part: Amount) -> Amount {
    whole.checked_sub(part).unwrap_or(Amount::ZERO)
}

#[cfg(test)]
mod tests;
