//! Step 1: which payment is a message about?

use super::Inbox;
use crate::callback::Message;
use crate::models::{PaymentKey, Status, Transaction, TransactionKind};
use crate::store::{MatchCriteria, PaymentSelector, RefundQuery, StoreError};

impl Inbox {
    /// The payment that a message is about, or why none can be found.
    ///
    /// Most messages name it. The documented event of an expired checkout names nothing: then it may be about the one
    /// open payment of ours with the same metadata and total.
    pub(super) async fn identify(&self, message: &Message) -> Result<Result<PaymentKey, &'static str>, StoreError> {
        if message.kind() == Some(&TransactionKind::Simulated) {
            return Ok(Err("a simulated event"));
        }
        if let Some(key) = stated_key(message) {
            return self.payment_of(key, message.kind()).await.map(Ok);
        }
        let Some(criteria) = match_criteria(message) else { return Ok(Err("it names no payment")) };
        let mut matching = self.store.find_open_matching(criteria).await?.into_iter();
        Ok(match (matching.next(), matching.next()) {
            (Some(one), None) => Ok(PaymentKey::Ecommerce(one)),
            (None, _) => Err("it names no payment, and no open payment matches it"),
            (Some(_), Some(_)) => Err("it names no payment, and several open payments match it"),
        })
    }

    /// The payment's own key, also where a refund's message names the refund.
    pub(super) async fn payment_of(
        &self,
        key: PaymentKey,
        kind: Option<&TransactionKind>,
    ) -> Result<PaymentKey, StoreError> {
        let PaymentKey::Reference(reference) = &key else { return Ok(key) };
        if kind != Some(&TransactionKind::Refund) {
            return Ok(key);
        }
        let Some(refund) = self.store.list_refunds(RefundQuery::Reference(reference.clone())).await?.pop() else {
            return Ok(key);
        };
        let payment = self.store.find(PaymentSelector::Id(refund.transaction_id)).await?;
        Ok(payment.and_then(|payment| payment.key()).unwrap_or(key))
    }

    /// The payment as it is recorded.
    pub(super) async fn find(&self, key: &PaymentKey) -> Result<Option<Transaction>, StoreError> {
        self.store.find(PaymentSelector::Key(key.clone())).await
    }
}

/// The payment that a message names: by its ecommerceId, or else by its reference number.
pub(super) fn stated_key(message: &Message) -> Option<PaymentKey> {
    let ecommerce_id = message.ecommerce_id().copied().map(PaymentKey::Ecommerce);
    ecommerce_id.or_else(|| message.reference_number().cloned().map(PaymentKey::Reference))
}

/// What an open payment must have in common with a message that names none. Only a checkout's *cancelled* and *expired*
/// events come without a name.
fn match_criteria(message: &Message) -> Option<MatchCriteria> {
    let is_checkout = message.kind() == Some(&TransactionKind::Ecommerce);
    let has_ended = matches!(message.status(), Some(Status::Cancelled | Status::Expired));
    let (total, metadata_1) = (message.total()?, message.metadata_1()?.to_owned());
    let metadata_2 = message.metadata_2().unwrap_or_default().to_owned();
    (is_checkout && has_ended).then_some(MatchCriteria { total, metadata_1, metadata_2 })
}
