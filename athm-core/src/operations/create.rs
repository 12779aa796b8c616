//! Creating: opens a payment at the provider.

use jiff::Timestamp;

use super::{OperationError, Operations};
use crate::models::{NewPayment, Sender, Status, Transaction, TransactionId};
use crate::provider::CreatedPayment;
use crate::store::Observation;
use crate::util::clock::later;

impl Operations {
    /// No intent is stored before the call: a payment whose answer is lost has no name that a customer could pay it by, so
    /// it moves no money and expires.
    ///
    /// With an idempotency key, an intent is stored all the same: it is what has the key.
    pub(crate) async fn create(&self, payment: NewPayment) -> Result<Transaction, OperationError> {
        if payment.idempotency_key.is_some() {
            return self.create_once(payment).await;
        }
        let payment = &payment;
        let opened_at = self.inbox.clock.now();
        let created = self.request_payment(payment).await?;
        self.record_created(payment, opened_at, created).await
    }

    /// Opens a payment at the provider, which is not recorded yet: without a recorded token it can't be authorized.
    pub(crate) async fn request_payment(&self, payment: &NewPayment) -> Result<CreatedPayment, OperationError> {
        self.provider.create(payment).await.map_err(|error| {
            if error.is_outcome_unknown() { OperationError::CreateUnknown(error) } else { error.into() }
        })
    }

    /// Records a payment that the provider has opened.
    pub(crate) async fn record_created(
        &self,
        payment: &NewPayment,
        opened_at: Timestamp,
        created: CreatedPayment,
    ) -> Result<Transaction, OperationError> {
        self.record_created_as(TransactionId::new(), payment, opened_at, created).await
    }

    /// The same, under that id.
    pub(super) async fn record_created_as(
        &self,
        id: TransactionId,
        payment: &NewPayment,
        opened_at: Timestamp,
        created: CreatedPayment,
    ) -> Result<Transaction, OperationError> {
        let built = Transaction::builder(Status::Open, payment.total)
            .ecommerce_id(created.ecommerce_id)
            .subtotal(payment.stated_subtotal())
            .tax(payment.tax)
            .metadata_1(&payment.metadata_1)
            .metadata_2(&payment.metadata_2)
            .build();
        let observed = Transaction {
            id,
            items: payment.items.clone(),
            deadline: Some(later(opened_at, payment.timeout)),
            expected_total: Some(payment.total),
            created_at: opened_at,
            updated_at: opened_at,
            ..built
        };
        let auth_token = Some(created.auth_token);
        // The payment is opened for a page, which is also what reports its end: the sender of the OPEN row is the same.
        let observation = Observation { auth_token, ..Observation::new(observed, Sender::CALLBACK) };
        Ok(self.inbox.store.record(observation).await?.transaction)
    }
}
