//! What we ask the provider to do.

use super::{Athm, OperationError};
use crate::clock::later;
use crate::processor::Processor;
use crate::provider::Client;
use crate::store::{PaymentKey, Record};
use crate::text::causes;
use crate::{EcommerceId, NewPayment, Sender, Status, Transaction, TransactionId};

impl Athm {
    /// Opens a payment at the provider and records it, with what authorizes it later.
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Whatever happened, no money can move for it: a new payment may be opened.
    pub async fn create(&self, payment: NewPayment) -> Result<Transaction, OperationError> {
        self.operate(|processor, provider| async move { create(&processor, &provider, &payment).await }).await
    }

    /// Moves the money of a payment that the customer has approved. Its signals fire when it succeeds.
    ///
    /// Safe to call again: a payment that is completed already is returned as it is.
    ///
    /// # Errors
    ///
    /// [`OperationError`]. Where the outcome is unknown, the provider is asked again later, also after a restart.
    pub async fn authorize(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.operate(move |processor, provider| async move { authorize(&processor, &provider, id).await }).await
    }

    /// Cancels a payment that isn't completed. Its signals fire when it succeeds.
    ///
    /// # Errors
    ///
    /// [`OperationError`].
    pub async fn cancel(&self, id: TransactionId) -> Result<Transaction, OperationError> {
        self.operate(move |processor, provider| async move { cancel(&processor, &provider, id).await }).await
    }

    /// Runs to its end whether or not the caller still waits: half an authorization helps nobody.
    async fn operate<F>(&self, operation: impl FnOnce(Processor, Client) -> F) -> Result<Transaction, OperationError>
    where
        F: Future<Output = Result<Transaction, OperationError>> + Send + 'static,
    {
        // A payment that can't be read again at once is read later, and nobody waits for it.
        let provider = self.provider().ok_or(OperationError::NoProvider)?.sending_once();
        let operation = operation(self.0.processor.clone(), provider);
        self.spawn(operation).await.unwrap_or(Err(OperationError::Closed))
    }
}

async fn create(processor: &Processor, provider: &Client, payment: &NewPayment) -> Result<Transaction, OperationError> {
    let opened_at = processor.clock.now();
    let ticket = provider.create(payment).await?;
    let built = Transaction::builder(Status::Open, payment.total)
        .ecommerce_id(ticket.ecommerce_id)
        .subtotal(payment.stated_subtotal())
        .tax(payment.tax)
        .metadata_1(&payment.metadata_1)
        .metadata_2(&payment.metadata_2)
        .build();
    let observed = Transaction {
        items: payment.items.clone(),
        deadline: Some(later(opened_at, payment.timeout)),
        created_at: opened_at,
        updated_at: opened_at,
        ..built
    };
    let record = Record { observed, sender: Sender::CALLBACK, auth_token: Some(ticket.auth_token) };
    Ok(processor.store.record(record).await?.transaction)
}

async fn authorize(processor: &Processor, provider: &Client, id: TransactionId) -> Result<Transaction, OperationError> {
    let ticket = processor.store.ticket(id).await?;
    let (transaction, token) = ticket.ok_or(OperationError::UnknownTransaction { id })?;
    if transaction.status == Status::Completed {
        return Ok(transaction);
    }
    let (Some(ecommerce_id), Some(token)) = (transaction.ecommerce_id, token) else {
        return Err(OperationError::NoTicket { id });
    };
    // Whatever happens from here on, somebody asks the provider how it ended.
    processor.remind(PaymentKey::Ecommerce(ecommerce_id), Sender::AUTHORIZE, Status::Completed).await?;
    let error = match provider.authorize(&ecommerce_id, &token).await {
        Ok(observed) => return Ok(processor.record(observed, Sender::AUTHORIZE).await?.transaction),
        Err(error) => error,
    };
    if error.is_not_confirmed() || error.is_outcome_unknown() {
        // Somebody else may have authorized it just now, or this very call may have succeeded unheard.
        if let Some(found) = reread(processor, provider, ecommerce_id, Sender::AUTHORIZE).await?
            && found.status == Status::Completed
        {
            return Ok(found);
        }
    }
    Err(error.into())
}

async fn cancel(processor: &Processor, provider: &Client, id: TransactionId) -> Result<Transaction, OperationError> {
    let ticket = processor.store.ticket(id).await?;
    let (transaction, _) = ticket.ok_or(OperationError::UnknownTransaction { id })?;
    let Some(ecommerce_id) = transaction.ecommerce_id else {
        return Err(OperationError::NoTicket { id });
    };
    // Whatever happens from here on, somebody asks the provider how it ended.
    processor.remind(PaymentKey::Ecommerce(ecommerce_id), Sender::CANCEL, Status::Cancelled).await?;
    let cancelled = provider.cancel(&ecommerce_id).await;
    let found = reread(processor, provider, ecommerce_id, Sender::CANCEL).await?;
    match (cancelled, found) {
        (_, Some(found)) if matches!(found.status, Status::Cancelled | Status::Expired) => Ok(found),
        (Err(error), _) => Err(error.into()),
        // It will be cancelled in a moment, for all that the provider says.
        (Ok(()), found) => Ok(found.unwrap_or(transaction)),
    }
}

/// The payment as the provider has it now, recorded; `None` when it can't be asked.
async fn reread(
    processor: &Processor,
    provider: &Client,
    id: EcommerceId,
    sender: Sender,
) -> Result<Option<Transaction>, OperationError> {
    match provider.find(&id).await {
        Ok(observed) => Ok(Some(processor.record(observed, sender).await?.transaction)),
        Err(error) => {
            tracing::warn!(payment = %id, error = %causes(&error), "the payment couldn't be read again");
            Ok(None)
        }
    }
}
