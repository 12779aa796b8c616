//! Checkouts: what a customer is asked to pay on a page, paid by one payment at a time.
//!
//! Opening a payment takes four steps:
//!
//! 1. Under the checkout's lock, the *attempt* is stored and committed, or refused: another payment is open, or the phone
//!    was asked too often. The rules are in `models/checkout/begin.rs`.
//! 2. The provider opens the payment, which the customer's phone shows, and names it: its `ecommerceId`.
//! 3. That name is stored with the attempt.
//! 4. The payment is recorded, with the token that authorizes it.
//!
//! A process that dies between two steps leaves an open payment without a recorded token: no money can move for it, and
//! the attempt counts as failed once its time is over. [`watch`] authorizes what the customer approves.

mod error;
mod failure;
mod request;
mod watch;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Notify;

pub use self::error::CheckoutError;
pub use self::request::PayCheckout;
pub(crate) use self::watch::CheckoutWatch;
use crate::inbox::Inbox;
use crate::models::{
    BeginPayment, BeginPush, Checkout, CheckoutId, NewCheckout, NewPayment, NotBegun, PhoneNumber, PushLimits,
    StartedAttempt,
};
use crate::operations::{OperationError, Operations};
use crate::store::{AttemptUpdate, CheckoutRow, StoreError};
use crate::util::clock::later;
use crate::util::rate_limit::KeyedTokenBuckets;
use crate::util::text::causes;

/// How long the commit of an attempt may take before the provider is asked.
const COMMIT_MARGIN: Duration = Duration::from_secs(5);
/// Requests of one address that change a checkout: per second, and burst.
const PER_ADDRESS_LIMIT: (u32, u32) = (1, 20);
/// Requests that change one checkout: per second, and burst.
const PER_CHECKOUT_LIMIT: (u32, u32) = (1, 10);

/// Offers checkouts, and opens and cancels their payments.
#[derive(Clone)]
pub(crate) struct CheckoutOperations {
    inbox: Inbox,
    operations: Operations,
    limits: PushLimits,
    limiter: Arc<Mutex<RequestLimiter>>,
    /// Notified when a payment was opened, which is to be watched.
    opened: Arc<Notify>,
}

/// The buckets of requests that change a checkout.
struct RequestLimiter {
    addresses: KeyedTokenBuckets,
    checkouts: KeyedTokenBuckets,
}

impl CheckoutOperations {
    pub(crate) fn new(inbox: Inbox, operations: Operations, limits: PushLimits) -> Self {
        let limiter = RequestLimiter {
            addresses: KeyedTokenBuckets::new(PER_ADDRESS_LIMIT),
            checkouts: KeyedTokenBuckets::new(PER_CHECKOUT_LIMIT),
        };
        Self { inbox, operations, limits, limiter: Arc::new(Mutex::new(limiter)), opened: Arc::default() }
    }

    /// Stores a checkout, or returns the one that was stored with the same key.
    pub(crate) async fn offer(&self, new: NewCheckout) -> Result<Checkout, CheckoutError> {
        new.validate()?;
        let created_at = self.inbox.clock.now();
        let form_token = SecretString::from(CheckoutId::from_random(random()?).to_string());
        let row = CheckoutRow { id: CheckoutId::from_random(random()?), new: new.clone(), form_token, created_at };
        let id = self.inbox.store.insert_checkout(row).await?;
        let checkout = self.existing(id).await?;
        if checkout.offers(&new) { Ok(checkout) } else { Err(CheckoutError::KeyTaken) }
    }

    /// Opens a payment and has the phone ask for approval; returns the checkout as it is where one is open already.
    pub(crate) async fn pay(&self, id: CheckoutId, request: PayCheckout) -> Result<Checkout, CheckoutError> {
        self.limit(id, request.address)?;
        let (at, now) = (self.inbox.clock.now(), self.inbox.clock.steady());
        let begin = BeginPayment {
            checkout: id,
            phone: request.phone.clone(),
            email: request.email.map(SecretString::from),
            known_attempts: request.known_attempts,
            limits: self.limits,
            at,
            now,
            ends_at: later(now, self.operations.longest_opening()),
        };
        match self.inbox.store.begin_payment(begin).await? {
            // Other processes may count the attempt as ended while it is under way.
            Ok(started) if self.inbox.clock.steady() > later(now, COMMIT_MARGIN) => {
                self.fail(&started, String::new()).await?;
                return Err(StoreError::Busy.into());
            }
            Ok(started) => self.open(id, &started, request.phone).await?,
            Err(NotBegun::NotNow) => {}
            Err(refused) => return Err(refused.into()),
        }
        self.existing(id).await
    }

    /// Steps 2 to 4.
    async fn open(&self, id: CheckoutId, started: &StartedAttempt, phone: PhoneNumber) -> Result<(), CheckoutError> {
        let checkout = self.existing(id).await?;
        let payment = NewPayment { phone: Some(phone), ..checkout.payment };
        let opened_at = self.inbox.clock.now();
        let created = match self.operations.request_payment(&payment).await {
            Ok(created) => created,
            Err(error) => {
                tracing::warn!(order = payment.metadata_1, error = %causes(&error), "a checkout's payment couldn't be opened");
                return self.fail(started, failure::code(&error)).await;
            }
        };
        let due_at = later(self.inbox.clock.steady(), watch::PAUSE);
        let opened = AttemptUpdate::Opened { ecommerce_id: created.ecommerce_id, due_at };
        self.inbox.store.update_attempt(started.id, opened).await?;
        if let Err(error) = self.operations.record_created(&payment, opened_at, created).await {
            self.fail(started, String::new()).await?;
            return Err(error.into());
        }
        self.opened.notify_one();
        Ok(())
    }

    async fn fail(&self, started: &StartedAttempt, code: String) -> Result<(), CheckoutError> {
        Ok(self.inbox.store.update_attempt(started.id, AttemptUpdate::Failed { code }).await?)
    }

    /// Has another phone ask for approval of the payment that is open.
    pub(crate) async fn update_phone(
        &self,
        id: CheckoutId,
        phone: PhoneNumber,
        address: Option<IpAddr>,
    ) -> Result<Checkout, CheckoutError> {
        self.limit(id, address)?;
        let (at, now) = (self.inbox.clock.now(), self.inbox.clock.steady());
        let begin = BeginPush { checkout: id, phone: phone.clone(), limits: self.limits, at, now };
        let attempt = match self.inbox.store.begin_push(begin).await? {
            Ok(attempt) => attempt,
            Err(NotBegun::NotNow) => return self.existing(id).await,
            Err(refused) => return Err(refused.into()),
        };
        let checkout = self.existing(id).await?;
        let payment = checkout.attempts.iter().find(|one| one.id == attempt).and_then(|one| one.payment.as_ref());
        let Some(payment) = payment else { return Ok(checkout) };
        match self.operations.update_phone(payment.id, &phone).await {
            Ok(()) => self.inbox.store.update_attempt(attempt, AttemptUpdate::PhoneChanged(phone)).await?,
            // The customer was faster, or the time is over: the page shows it.
            Err(OperationError::Ended { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.existing(id).await
    }

    /// Cancels the payment that is open, or the checkout if none is.
    pub(crate) async fn cancel(&self, id: CheckoutId, address: Option<IpAddr>) -> Result<Checkout, CheckoutError> {
        self.limit(id, address)?;
        let checkout = self.existing(id).await?;
        match checkout.open_attempt().map(|open| &open.payment) {
            Some(Some(payment)) => match self.operations.cancel(payment.id).await {
                Ok(_) | Err(OperationError::Completed { .. } | OperationError::Ended { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            Some(None) => return Err(CheckoutError::Opening),
            None if checkout.payment().is_some_and(|payment| payment.status.is_final()) => {}
            None => self.inbox.store.cancel_checkout(id, self.inbox.clock.now()).await?,
        }
        self.existing(id).await
    }

    async fn existing(&self, id: CheckoutId) -> Result<Checkout, CheckoutError> {
        find(&self.inbox, id).await?.ok_or(CheckoutError::Unknown)
    }

    fn limit(&self, id: CheckoutId, address: Option<IpAddr>) -> Result<(), CheckoutError> {
        let now = self.inbox.clock.steady();
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let is_allowed = address.is_none_or(|address| limiter.addresses.of(&address.to_string(), now).take(now))
            && limiter.checkouts.of(&id.to_string(), now).take(now);
        if is_allowed { Ok(()) } else { Err(CheckoutError::TooManyRequests) }
    }
}

/// A checkout with its payments, as they are now.
pub(crate) async fn find(inbox: &Inbox, id: CheckoutId) -> Result<Option<Checkout>, StoreError> {
    let found = inbox.store.find_checkout(id, inbox.clock.steady()).await?;
    Ok(found.map(|checkout| Checkout { read_at: inbox.clock.now(), ..checkout }))
}

/// 128 bits that can't be guessed, of the generator that TLS uses.
fn random() -> Result<[u8; 16], CheckoutError> {
    let mut bytes = [0; 16];
    let generator = rustls::crypto::ring::default_provider().secure_random;
    generator.fill(&mut bytes).map_err(|_| CheckoutError::NoRandomness)?;
    Ok(bytes)
}
