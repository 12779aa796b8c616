//! Messages about refunds.
//!
//! A refund's message may carry the payment's reference number, or a reference number of the refund's own: both are seen.
//! In the second case nothing ties the refund to its payment but the customer.

use super::pending::MAX_LOOKUPS;
use super::{Inbox, MessageOutcome, PendingMessage, ProviderLookup, RateLimitClass, outcome_of};
use crate::models::{
    Amount, PaymentKey, RefundCandidate, RefundDetail, RefundStatement, RefundStatements, ReportedRefund, Sender,
    Transaction, TransactionKind, attribute,
};
use crate::store::{InboxState, Observation, Recorded, RefundQuery, StoreError};

impl Inbox {
    /// The payment that a refund in the provider's books belongs to.
    pub(crate) async fn refunded_by(&self, refund: &Transaction) -> Result<Option<Transaction>, StoreError> {
        let Some(reference) = refund.reference_number.clone() else { return Ok(None) };
        let key = self.payment_of(PaymentKey::Reference(reference), Some(&TransactionKind::Refund)).await?;
        let payment = self.find(&key).await?;
        Ok(payment.filter(|payment| *payment.kind() != TransactionKind::Refund))
    }

    /// Whether the provider shows the refunds that a message states.
    pub(super) async fn shows_refunds(
        &self,
        message: &PendingMessage,
        recorded: &Recorded,
        observed: &Transaction,
    ) -> Result<bool, StoreError> {
        if message.refunds.is_empty() {
            return Ok(true);
        }
        let payment = &recorded.transaction;
        let ledger = self.store.list_refunds(RefundQuery::Of(payment.id)).await?.into_iter().collect();
        Ok(message.refunds.are_shown(&ledger, payment.refunded_amount, observed.updated_at))
    }

    /// Settles the message of a refund with a reference number of its own: the customer's payments are looked up until one
    /// of them shows the refund.
    pub(super) async fn process_refund(
        &self,
        lookup: &ProviderLookup,
        message: PendingMessage,
        refund: &Transaction,
    ) -> Result<MessageOutcome, StoreError> {
        let class = |payment: &Transaction| self.rate_limit_class(Some(payment), &message.sender, message.attempts);
        let candidates = self.refund_candidates(lookup, refund, class).await?;
        let is_last = message.attempts >= MAX_LOOKUPS;
        let detail = RefundDetail::of(refund);
        if candidates.is_empty() {
            return self.leave_unattributed(message, detail, "no payment of its customer is known").await;
        }
        match self.record_refund(refund, candidates, &message.sender).await? {
            Some(recorded) => self.accept(&message, outcome_of(&recorded)).await,
            None if is_last => {
                self.leave_unattributed(message, detail, "no payment of its customer showed it within a day").await
            }
            None => self.retry_later(message, None).await,
        }
    }

    /// The payments of a refund's customer, as they are recorded and as the provider has them now.
    pub(crate) async fn refund_candidates(
        &self,
        lookup: &ProviderLookup,
        refund: &Transaction,
        class: impl Fn(&Transaction) -> RateLimitClass,
    ) -> Result<Vec<RefundCandidate>, StoreError> {
        let customer = refund.customer.clone().unwrap_or_default();
        let mut candidates = Vec::new();
        for recorded in self.store.list_paid_by(customer, RefundDetail::of(refund).amount).await? {
            let Some(key) = recorded.key() else { continue };
            let observed = lookup.look_up(&key, Some(&recorded), class(&recorded)).await.and_then(Result::ok);
            let ledger = self.store.list_refunds(RefundQuery::Of(recorded.id)).await?.into_iter().collect();
            candidates.push(RefundCandidate { recorded, ledger, observed });
        }
        Ok(candidates)
    }

    /// Records what was read of these payments, and the refund with the one that shows it. `None` when none does, or more
    /// than one.
    pub(crate) async fn record_refund(
        &self,
        refund: &Transaction,
        candidates: Vec<RefundCandidate>,
        sender: &Sender,
    ) -> Result<Option<Recorded>, StoreError> {
        let detail = RefundDetail::of(refund);
        let place = attribute(&detail, &candidates, refund.updated_at);
        let mut attributed = None;
        for (n, candidate) in candidates.into_iter().enumerate() {
            let Some(observed) = candidate.observed else { continue };
            let is_it = place == Some(n);
            let reported = is_it.then(|| ReportedRefund { refund: None, detail: detail.clone() }).into_iter().collect();
            let observation = Observation::new(observed, sender.clone());
            let recorded = self.store.record(Observation { reported, ..observation }).await?;
            if is_it {
                attributed = Some(recorded);
            }
        }
        Ok(attributed)
    }

    /// Keeps a refund that the provider lists and that belongs to no payment we know: a person has to find out.
    async fn leave_unattributed(
        &self,
        message: PendingMessage,
        detail: RefundDetail,
        reason: &str,
    ) -> Result<MessageOutcome, StoreError> {
        tracing::error!(refund = %message.key, amount = %detail.amount, reason, "a refund belongs to no payment that is known");
        let refunds = RefundStatements::from_iter([RefundStatement { before: Amount::ZERO, detail }]);
        let reason = format!("it names a refund, and {reason}");
        let state = InboxState::Unmatched { reason: reason.clone() };
        self.end(PendingMessage { refunds, ..message }, state).await?;
        Ok(MessageOutcome::unmatched(reason))
    }

    /// The record of a payment with a refund that a trusted message states. Without lookups, the message's amount alone says
    /// how much was refunded.
    pub(super) async fn with_stated_refund(
        &self,
        stated: Observation,
        payment: Transaction,
    ) -> Result<Observation, StoreError> {
        let mut detail = RefundDetail::of(&stated.observed);
        detail.reference_number.take_if(|reference| Some(&*reference) == payment.reference_number.as_ref());
        let refunds = self.store.list_refunds(RefundQuery::Of(payment.id)).await?;
        let refunded_amount = if detail.is_bare() {
            // Nothing distinguishes it from the refund before: it may be the same message again.
            payment.refunded_amount.max(detail.amount)
        } else if refunds.iter().any(|refund| refund.is(&detail)) {
            payment.refunded_amount
        } else {
            payment.refunded_amount.checked_add(detail.amount).unwrap_or(payment.refunded_amount)
        };
        let observed = Transaction { refunded_amount, updated_at: self.clock.now(), ..payment };
        Ok(Observation { observed, reported: vec![ReportedRefund { refund: None, detail }], ..stated })
    }
}
