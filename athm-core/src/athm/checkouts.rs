//! The checkouts of the handle.

use std::net::IpAddr;

use super::Athm;
use crate::checkout::{self, CheckoutError, CheckoutOperations, PayCheckout};
use crate::models::{Checkout, CheckoutId, NewCheckout, PhoneNumber};
use crate::operations::OperationError;
use crate::store::StoreError;

/// Checkouts: to find, pay and cancel one, as its page does: [`Athm::checkouts`].
///
/// The page of `athm_actix` calls these. A page of your own, or an app, calls them likewise.
///
/// ```no_run
/// # async fn pay(athm: athm_core::Athm, id: athm_core::checkouts::CheckoutId) -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::checkouts::{CheckoutState, PayCheckout};
///
/// let checkout = athm.checkouts().pay(id, PayCheckout::new("787-555-0199".parse()?)).await?;
/// if let CheckoutState::Waiting { deadline } = checkout.state() {
///     println!("approve it in the app before {deadline}");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Checkouts<'a> {
    athm: &'a Athm,
}

impl Athm {
    /// Offers a checkout: what a customer is to pay, at an address that can't be guessed. Nothing is asked of the provider
    /// until the customer pays.
    ///
    /// When the customer has approved the payment on the phone, it is authorized at once, whether a page is open or not, and
    /// `completed` fires: money moves without any further call. One payment of a checkout is open at a time.
    ///
    /// ```no_run
    /// # async fn offer(athm: athm_core::Athm) -> Result<(), athm_core::checkouts::CheckoutError> {
    /// use athm_core::Amount;
    /// use athm_core::checkouts::NewCheckout;
    ///
    /// let new = NewCheckout::new(Amount::from_cents(2500), "order-7").idempotency_key("order-7");
    /// let checkout = athm.checkout(new).await?;
    /// println!("send the customer to /athm/checkout/{}", checkout.id());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CheckoutError::Invalid`], [`CheckoutError::KeyTaken`] for a key that was used for another content, and
    /// [`CheckoutError::Store`].
    pub async fn checkout(&self, new: NewCheckout) -> Result<Checkout, CheckoutError> {
        self.change_checkout(|checkouts| async move { checkouts.offer(new).await }).await
    }

    /// Checkouts: to find, pay and cancel one.
    #[must_use]
    pub fn checkouts(&self) -> Checkouts<'_> {
        Checkouts { athm: self }
    }

    /// Runs it to its end even if the caller stops waiting.
    async fn change_checkout<T, F>(&self, change: impl FnOnce(CheckoutOperations) -> F) -> Result<T, CheckoutError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, CheckoutError>> + Send + 'static,
    {
        let checkouts = self.0.checkouts.clone().ok_or(OperationError::NoProvider)?;
        self.spawn(change(checkouts)).await.unwrap_or(Err(OperationError::Closed.into()))
    }
}

impl Checkouts<'_> {
    /// A checkout with its payments.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn find(&self, id: CheckoutId) -> Result<Option<Checkout>, StoreError> {
        checkout::find(&self.athm.0.inbox, id).await
    }

    /// Opens a payment, and has the customer's phone ask for approval. Where a payment is open already, or the checkout is
    /// paid, nothing is opened: the checkout is returned as it is.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`]. A refusal of the provider's is none: the checkout's state shows it.
    pub async fn pay(&self, id: CheckoutId, request: PayCheckout) -> Result<Checkout, CheckoutError> {
        self.athm.change_checkout(move |checkouts| async move { checkouts.pay(id, request).await }).await
    }

    /// Has another phone ask for approval of the open payment: the customer mistyped the number. The address is whom to
    /// count the request against, see [`PayCheckout::address`].
    ///
    /// # Errors
    ///
    /// [`CheckoutError`].
    pub async fn update_phone(
        &self,
        id: CheckoutId,
        phone: PhoneNumber,
        address: Option<IpAddr>,
    ) -> Result<Checkout, CheckoutError> {
        self.athm
            .change_checkout(move |checkouts| async move { checkouts.update_phone(id, phone, address).await })
            .await
    }

    /// Cancels the open payment, or the checkout if none is open. A checkout that is paid stays so.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`].
    pub async fn cancel(&self, id: CheckoutId, address: Option<IpAddr>) -> Result<Checkout, CheckoutError> {
        self.athm.change_checkout(move |checkouts| async move { checkouts.cancel(id, address).await }).await
    }
}
