//! Reads the report slice by slice, and compares each entry with the records.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use super::difference::between;
use super::{
    MissingPayment, OnProgress, Progress, ReconcileError, ReconcileSummary, Reconciliation, UnattributedRefund,
};
use crate::inbox::{Inbox, RateLimitClass};
use crate::models::{
    PaymentKey, ReferenceNumber, RefundDetail, Sender, Status, Transaction, TransactionKind, attribute,
};
use crate::provider::{Client, ErrorCode, ProviderError};
use crate::store::{MatchCriteria, PaymentSelector, RunMode, StoreError, TransactionQuery};
use crate::util::clock::{earlier, later};
use crate::util::text::causes;

/// A payment completed less than this before the end may not be in the report yet.
const REPORT_LAG: Duration = Duration::from_secs(5 * 60);
/// How long before its completion a payment may have been opened.
const MAX_OPEN: Duration = Duration::from_secs(24 * 60 * 60);
const MIN_SLICE: Duration = Duration::from_secs(1);
const PAGE_SIZE: u32 = 1000;

pub(super) struct ReportScan<'a> {
    inbox: &'a Inbox,
    client: &'a Client,
    mode: RunMode,
    from: Timestamp,
    until: Timestamp,
    slice: Duration,
    on_progress: Option<OnProgress<'a>>,
    found: ReconcileSummary,
    /// Reference numbers of the payments in the report.
    reported: HashSet<ReferenceNumber>,
}

/// Why the comparison stopped.
enum Stopped {
    Provider(ProviderError),
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<'a> ReportScan<'a> {
    pub(super) fn of(reconciliation: Reconciliation<'a>, mode: RunMode) -> Result<Self, ReconcileError> {
        let Reconciliation { inbox, from, until, slice, on_progress } = reconciliation;
        let client = inbox.lookup.as_ref().map(|lookup| &lookup.client).ok_or(ReconcileError::NoProvider)?;
        let until = until.min(inbox.clock.now());
        if from >= until {
            return Err(ReconcileError::Range);
        }
        let found = ReconcileSummary::new(from);
        Ok(Self { inbox, client, mode, from, until, slice, on_progress, found, reported: HashSet::new() })
    }

    pub(super) async fn execute(mut self) -> Result<ReconcileSummary, ReconcileError> {
        match self.compare().await {
            Ok(()) => Ok(self.found),
            Err(Stopped::Provider(source)) => Err(ReconcileError::Provider { so_far: Box::new(self.found), source }),
            Err(Stopped::Store(source)) => Err(ReconcileError::Store { so_far: Box::new(self.found), source }),
        }
    }

    async fn compare(&mut self) -> Result<(), Stopped> {
        while self.found.done_until < self.until {
            let end = later(self.found.done_until, self.slice).min(self.until);
            let entries = match self.client.report(self.found.done_until, end).await {
                Err(ProviderError::Rejected { code: ErrorCode::RangeTooLong, .. }) if self.slice > MIN_SLICE => {
                    self.slice = (self.slice / 2).max(MIN_SLICE);
                    continue;
                }
                entries => entries.map_err(Stopped::Provider)?,
            };
            let (refunds, mut payments): (Vec<_>, Vec<_>) =
                entries.into_iter().partition(|entry| *entry.kind() == TransactionKind::Refund);
            // The report lists the newest first; receivers run in the order of the payments.
            payments.sort_by_key(|payment| payment.date);
            for payment in payments {
                let reference = payment.reference_number.clone();
                let compared = self.compare_payment(payment).await;
                self.skip_damaged(reference, compared)?;
            }
            for refund in refunds {
                let reference = refund.reference_number.clone();
                let compared = self.compare_refund(refund).await;
                self.skip_damaged(reference, compared)?;
            }
            self.found.done_until = end;
            self.report_progress();
        }
        self.look_for_unreported().await
    }

    /// A payment with a damaged row holds up no other.
    fn skip_damaged(&mut self, entry: Option<ReferenceNumber>, compared: Result<(), Stopped>) -> Result<(), Stopped> {
        let Err(Stopped::Store(error @ StoreError::Damaged(_))) = compared else { return compared };
        tracing::warn!(
            reference = entry.as_ref().map(tracing::field::display),
            error = causes(&error),
            "a payment couldn't be compared with the provider's report"
        );
        self.found.damaged.extend(entry);
        Ok(())
    }

    async fn compare_payment(&mut self, entry: Transaction) -> Result<(), Stopped> {
        let Some(reference) = entry.reference_number.clone() else {
            tracing::warn!("an entry of the provider's report has no reference number: left out");
            return Ok(());
        };
        if !self.reported.insert(reference.clone()) {
            // Neighbouring slices share a second, so an entry may appear in both.
            return Ok(());
        }
        self.found.entries += 1;
        if let Some(recorded) = self.find_recorded(&reference).await? {
            return self.compare_with_recorded(&recorded, entry).await;
        }
        if let Some((recorded, theirs)) = self.find_open(&entry).await? {
            return self.compare_with_recorded(&recorded, theirs).await;
        }
        let recorded = match self.mode {
            RunMode::Dry => None,
            RunMode::Real => Some(self.record(entry.clone()).await?.id),
        };
        let Transaction { kind, total, .. } = entry;
        self.found.missing.push(MissingPayment { reference_number: reference, kind, total, recorded });
        Ok(())
    }

    async fn compare_with_recorded(&mut self, recorded: &Transaction, theirs: Transaction) -> Result<(), Stopped> {
        let differences = between(recorded, &theirs);
        if differences.is_empty() {
            return Ok(());
        }
        self.found.differences.extend(differences);
        if self.mode == RunMode::Real {
            let corrected = self.record(theirs.clone()).await?;
            // A change since the report was requested is no difference.
            if corrected.updated_at <= theirs.updated_at {
                self.found.unresolved.extend(between(&corrected, &theirs));
            }
        }
        Ok(())
    }

    /// The report has no ecommerceId. An open checkout of ours with the same total and metadata may be the one that was paid:
    /// then the provider's answer about it has the entry's reference number.
    async fn find_open(&self, entry: &Transaction) -> Result<Option<(Transaction, Transaction)>, Stopped> {
        let Transaction { total, metadata_1, metadata_2, .. } = entry.clone();
        for id in self.inbox.store.find_open_matching(MatchCriteria { total, metadata_1, metadata_2 }).await? {
            match self.client.find(&id).await {
                Ok(theirs) if theirs.reference_number == entry.reference_number => {
                    let recorded = self.inbox.store.find(PaymentSelector::Key(PaymentKey::Ecommerce(id))).await?;
                    return Ok(recorded.map(|recorded| (recorded, theirs)));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(payment = %id, error = %causes(&error), "an open payment couldn't be read; it is polled later");
                }
            }
        }
        Ok(None)
    }

    /// A refund in the report: its detail is recorded. Its payment is read from the provider unless the report has it.
    async fn compare_refund(&mut self, entry: Transaction) -> Result<(), Stopped> {
        self.found.entries += 1;
        let payment = self.inbox.refunded_by(&entry).await?;
        let Some(reference) = payment.and_then(|payment| payment.reference_number) else {
            return self.compare_refund_of_customer(entry).await;
        };
        if self.mode == RunMode::Dry {
            return Ok(());
        }
        if self.reported.insert(reference.clone()) {
            let theirs = self.client.find_by_reference(&reference).await.map_err(Stopped::Provider)?;
            if *theirs.kind() != TransactionKind::Refund {
                self.record(theirs).await?;
            }
        }
        self.found.events += self.inbox.record(entry, Sender::RECONCILE).await?.events.len();
        Ok(())
    }

    /// A refund in the report under a reference number of its own that isn't recorded: one of its customer's payments, which
    /// may be older than the range, has to show it.
    async fn compare_refund_of_customer(&mut self, entry: Transaction) -> Result<(), Stopped> {
        let class = |_: &Transaction| RateLimitClass::Known;
        let candidates = match &self.inbox.lookup {
            Some(lookup) => self.inbox.refund_candidates(lookup, &entry, class).await?,
            None => Vec::new(),
        };
        let detail = RefundDetail::of(&entry);
        let is_attributed = match self.mode {
            RunMode::Dry => attribute(&detail, &candidates, entry.updated_at).is_some(),
            RunMode::Real => {
                let recorded = self.inbox.record_refund(&entry, candidates, &Sender::RECONCILE).await?;
                self.found.events += recorded.as_ref().map_or(0, |recorded| recorded.events.len());
                recorded.is_some()
            }
        };
        if !is_attributed {
            let RefundDetail { amount, reference_number, date, .. } = detail;
            self.found.unattributed.push(UnattributedRefund { reference_number, amount, date });
        }
        Ok(())
    }

    async fn record(&mut self, theirs: Transaction) -> Result<Transaction, StoreError> {
        let recorded = self.inbox.reconcile(theirs).await?;
        self.found.events += recorded.events.len();
        Ok(recorded.transaction)
    }

    /// Finds recorded payments that were completed in the range, and that the report doesn't have.
    async fn look_for_unreported(&mut self) -> Result<(), Stopped> {
        let end = earlier(self.until, REPORT_LAG);
        let mut query =
            TransactionQuery::new().status(Status::Completed).since(earlier(self.from, MAX_OPEN)).limit(PAGE_SIZE);
        loop {
            let page = self.inbox.store.list_payments(query.clone()).await?;
            let unreported = page.transactions().iter().filter(|payment| {
                let is_within = payment.date.is_some_and(|date| self.from <= date && date < end);
                let is_reported =
                    payment.reference_number.as_ref().is_some_and(|reference| self.reported.contains(reference));
                is_within && !is_reported
            });
            self.found.unreported.extend(unreported.map(|payment| payment.id));
            let Some(next) = page.next() else { return Ok(()) };
            query = query.after(next);
        }
    }

    async fn find_recorded(&self, reference: &ReferenceNumber) -> Result<Option<Transaction>, StoreError> {
        self.inbox.store.find(PaymentSelector::Key(PaymentKey::Reference(reference.clone()))).await
    }

    fn report_progress(&mut self) {
        let Self { from, until, found, .. } = self;
        let progress = Progress {
            from: *from,
            until: *until,
            done_until: found.done_until,
            entries: found.entries,
            missing: found.missing.len(),
            differences: found.differences.len(),
        };
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(&progress);
        }
    }
}
