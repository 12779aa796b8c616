//! Messages about refunds.
//!
//! A refund's message may carry the payment's reference number, or a reference number of the refund's own: both are seen.
//! In the second case nothing ties the refund to its payment but the customer.

use super::{Inbox, MessageResult, PendingMessage, ProviderLookup};
use crate::models::{PaymentKey, RefundDetail, ReportedRefund, Transaction, TransactionKind};
use crate::store::{InboxState, Record, RefundQuery, StoreError};

impl Inbox {
    /// The payment that a refund in the provider's books belongs to.
    pub(crate) async fn refunded_by(&self, refund: &Transaction) -> Result<Option<Transaction>, StoreError> {
        let Some(reference) = refund.reference_number.clone() else { return Ok(None) };
        let key = self.payment_of(PaymentKey::Reference(reference), Some(&TransactionKind::Refund)).await?;
        let payment = self.find(&key).await?;
        Ok(payment.filter(|payment| *payment.kind() != TransactionKind::Refund))
    }

    /// Settles the message of a refund with a reference number of its own: the customer's payments are looked up until one
    /// of them shows the refund.
    pub(super) async fn settle_refund(
        &self,
        lookup: &ProviderLookup,
        message: PendingMessage,
        refund: &Transaction,
    ) -> Result<MessageResult, StoreError> {
        let detail = RefundDetail::of(refund);
        let customer = refund.customer.clone().unwrap_or_default();
        let payments = self.store.list_paid_by(customer, detail.amount).await?;
        if payments.is_empty() {
            let reason = "it names a refund, and no payment of that customer is known";
            self.end(message, InboxState::Unmatched { reason: reason.to_owned() }).await?;
            return Ok(MessageResult::Known);
        }
        for payment in payments {
            let Some(key) = payment.key() else { continue };
            let class = self.rate_limit_class(Some(&payment), &message.sender, message.attempts);
            let Some(Ok(observed)) = lookup.look_up(&key, Some(&payment), class).await else { continue };
            let refunds = self.store.list_refunds(RefundQuery::Of(payment.id)).await?;
            let increase = observed.refunded_amount.checked_sub(payment.refunded_amount);
            let shows_it = increase >= Some(detail.amount)
                || refunds.iter().any(|refund| refund.may_hold(&detail) || refund.is(&detail));
            let reported = shows_it.then(|| ReportedRefund { refund: None, detail: detail.clone() });
            let observation = Record::observation(observed, message.sender.clone());
            let record = Record { reported: reported.into_iter().collect(), ..observation };
            let recorded = self.store.record(record).await?;
            if shows_it {
                return self.accept(&message, MessageResult::of(&recorded)).await;
            }
        }
        self.retry_or_give_up(message, None).await
    }

    /// The record of a payment with a refund that a trusted message states. Without lookups, the message's amount is all
    /// that tells how much was refunded.
    pub(super) async fn with_stated_refund(&self, stated: Record, payment: Transaction) -> Result<Record, StoreError> {
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
        Ok(Record { observed, reported: vec![ReportedRefund { refund: None, detail }], ..stated })
    }
}
