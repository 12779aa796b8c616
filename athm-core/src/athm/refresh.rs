//! Asking the provider about one payment now: what a page that waits for a payment needs.

use std::future::IntoFuture;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Athm;
use crate::models::{Transaction, TransactionId};
use crate::operations::OperationError;

/// Asks the provider about one payment now, and records the answer: [`Athm::refresh`]. Await it.
///
/// ```no_run
/// # async fn wait(athm: athm_core::Athm, id: athm_core::ids::TransactionId) -> Result<(), athm_core::errors::OperationError> {
/// let payment = athm.refresh(id).authorize().await?;
/// if payment.status().is_final() {
///     println!("it has ended: {}", payment.status());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "the provider is asked when it is awaited"]
pub struct Refresh<'a> {
    athm: &'a Athm,
    id: TransactionId,
    authorizes: bool,
}

impl Athm {
    /// Asks the provider about a payment now, records the answer, and returns the payment as it is recorded then. Its
    /// signals fire where the answer brings a transition.
    ///
    /// Made for pages that wait for a payment and call it every second or two, from many browsers at once. Calls at the same
    /// time share one question to the provider. A payment is asked about once a second on average, after a burst of 5, and
    /// all payments together 50 times a second, after a burst of 100; above that the payment is returned as it is recorded,
    /// and nothing is asked. These limits are apart from those of messages.
    ///
    /// ```no_run
    /// # async fn page(athm: athm_core::Athm, id: athm_core::ids::TransactionId) -> Result<(), athm_core::errors::OperationError> {
    /// use athm_core::Status;
    ///
    /// match athm.refresh(id).await?.status() {
    ///     Status::Open => println!("approve it in the app"),
    ///     Status::Completed => println!("paid"),
    ///     other => println!("{other}"),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OperationError::UnknownTransaction`] · [`OperationError::Lookup`] when the provider couldn't be asked, or doesn't
    /// know the payment: what is recorded stands, and [`transaction`](Self::transaction) returns it ·
    /// [`OperationError::NoProvider`] when callbacks are trusted. With [`Refresh::authorize`], those of
    /// [`authorize`](Self::authorize), too.
    pub fn refresh(&self, id: TransactionId) -> Refresh<'_> {
        Refresh { athm: self, id, authorizes: false }
    }
}

impl Refresh<'_> {
    /// Authorizes the payment, too, if [`Athm::create`] opened it and the provider answers that the customer has approved it:
    /// money moves then. See [`Athm::authorize`].
    ///
    /// ```no_run
    /// # async fn page(athm: athm_core::Athm, id: athm_core::ids::TransactionId) -> Result<(), athm_core::errors::OperationError> {
    /// let payment = athm.refresh(id).authorize().await?;
    /// println!("{}", payment.status());
    /// # Ok(()) }
    /// ```
    pub fn authorize(mut self) -> Self {
        self.authorizes = true;
        self
    }
}

impl<'a> IntoFuture for Refresh<'a> {
    type Output = Result<Transaction, OperationError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { athm, id, authorizes } = self;
        async move {
            athm.operate(move |operations| async move {
                if authorizes { operations.refresh_and_authorize(id).await } else { operations.refresh_now(id).await }
            })
            .await
        }
        .boxed()
    }
}
