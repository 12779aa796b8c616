//! Messages about refunds.
//!
//! A refund is told by the payment's reference number, or by one of its own: both are seen.

use super::{MessageResult, PendingMessage, Processor, ProviderLookup, ask};
use crate::models::{PaymentKey, RefundDetail, ReportedRefund, Transaction, TransactionKind};
use crate::store::{InboxState, Origin, PaymentLookup, Record, RefundQuery, StoreError};

impl Processor {
    /// The payment of which the provider lists a refund.
    pub(crate) async fn refunded_by(&self, refund: &Transaction) -> Result<Option<Transaction>, StoreError> {
        let Some(reference) = refund.reference_number.clone() else { return Ok(None) };
        let key = self.payment_of(PaymentKey::Reference(reference), Some(&TransactionKind::Refund)).await?;
        let payment = self.store.find(PaymentLookup::Payment(key)).await?;
        Ok(payment.filter(|payment| *payment.kind() != TransactionKind::Refund))
    }

    /// The payment that a message names, also where it names one of its refunds.
    pub(super) async fn payment_of(
        &self,
        key: PaymentKey,
        kind: Option<&TransactionKind>,
    ) -> Result<PaymentKey, StoreError> {
        let PaymentKey::Reference(reference) = &key else { return Ok(key) };
        if kind != Some(&TransactionKind::Refund) {
            return Ok(key);
        }
        let Some(refund) = self.store.refunds(RefundQuery::Reference(reference.clone())).await?.pop() else {
            return Ok(key);
        };
        let payment = self.store.find(PaymentLookup::Id(refund.transaction_id)).await?;
        Ok(payment.and_then(|payment| payment.key()).unwrap_or(key))
    }

    /// A refund by a number of its own, which nothing ties to its payment but who had paid: the customer's payments are
    /// read again until one shows it.
    pub(super) async fn process_refund(
        &self,
        lookup: &ProviderLookup,
        claim: PendingMessage,
        refund: &Transaction,
    ) -> Result<MessageResult, StoreError> {
        let detail = RefundDetail::of(refund);
        let customer = refund.customer.clone().unwrap_or_default();
        let payments = self.store.paid_by(customer, detail.amount).await?;
        if payments.is_empty() {
            let reason = "it names a refund, and no payment of that customer's is known";
            return self
                .give_up(claim, |reason| InboxState::Unmatched { reason }, reason)
                .await
                .map(|()| MessageResult::Known);
        }
        for payment in payments {
            let Some(key) = payment.key() else { continue };
            let rate_limit_class = self.rate_limit_class(Some(&payment), &claim.sender, claim.attempts);
            let Some(Ok(observed)) = ask(lookup, &key, Some(&payment), rate_limit_class).await else { continue };
            let kept = self.store.refunds(RefundQuery::Of(payment.id)).await?;
            let increase = observed.refunded_amount.checked_sub(payment.refunded_amount);
            let shows_it = increase >= Some(detail.amount)
                || kept.iter().any(|refund| refund.may_hold(&detail) || refund.is(&detail));
            let reported = shows_it.then(|| ReportedRefund { refund: None, detail: detail.clone() });
            let record = Record {
                observed,
                sender: claim.sender.clone(),
                auth_token: None,
                reported: reported.into_iter().collect(),
                origin: Origin::Observation,
            };
            let recorded = self.store.record(record).await?;
            if shows_it {
                self.done(&claim).await?;
                return Ok(if recorded.events().is_empty() { MessageResult::Known } else { MessageResult::Recorded });
            }
        }
        self.wait_longer(claim, None).await
    }

    /// With messages taken at their word, a refund's own message is all that tells how much was given back.
    pub(super) async fn trusted_refund(&self, reported: Record, payment: Transaction) -> Result<Record, StoreError> {
        let mut detail = RefundDetail::of(&reported.observed);
        detail.reference_number.take_if(|reference| Some(&*reference) == payment.reference_number.as_ref());
        let kept = self.store.refunds(RefundQuery::Of(payment.id)).await?;
        let refunded_amount = if detail.is_bare() {
            // Nothing tells it from the last one: it may be the same message again.
            payment.refunded_amount.max(detail.amount)
        } else if kept.iter().any(|refund| refund.is(&detail)) {
            payment.refunded_amount
        } else {
            payment.refunded_amount.checked_add(detail.amount).unwrap_or(payment.refunded_amount)
        };
        let observed = Transaction { refunded_amount, updated_at: self.clock.now(), ..payment };
        Ok(Record { observed, reported: vec![ReportedRefund { refund: None, detail }], ..reported })
    }
}
