//! Checkouts, and the payments that are opened for them.

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::StoreFuture;
use crate::models::{
    BeginPayment, BeginPush, Checkout, CheckoutId, EcommerceId, NewCheckout, NotBegun, PhoneNumber, StartedAttempt,
    Transaction,
};

/// The part of the store that holds checkouts. Times follow the rules of [`Store`](super::Store).
pub(crate) trait CheckoutStore {
    /// Stores a checkout. With an idempotency key that is taken already, the checkout that has it is returned instead.
    fn insert_checkout(&self, new: CheckoutRow) -> StoreFuture<'_, CheckoutId>;

    /// A checkout with its payments.
    fn find_checkout(&self, id: CheckoutId, now: Timestamp) -> StoreFuture<'_, Option<Checkout>>;

    /// Stores the intent to open a payment, with the checkout locked, or says why none may be opened.
    fn begin_payment(&self, request: BeginPayment) -> StoreFuture<'_, Result<StartedAttempt, NotBegun>>;

    /// Counts a push to another phone, with the checkout locked, or says why there may be none. Returns the attempt whose
    /// payment is open.
    fn begin_push(&self, request: BeginPush) -> StoreFuture<'_, Result<Uuid, NotBegun>>;

    /// Stores what has become of an attempt to open a payment.
    fn update_attempt(&self, attempt: Uuid, update: AttemptUpdate) -> StoreFuture<'_, ()>;

    /// Cancels a checkout that has no open payment.
    fn cancel_checkout(&self, id: CheckoutId, at: Timestamp) -> StoreFuture<'_, ()>;

    /// Claims payments that are due to be looked up, the newest first, at most `limit`. They are due again at `until`.
    fn claim_watched(&self, now: Timestamp, until: Timestamp, limit: u32) -> StoreFuture<'_, WatchedPayments>;

    /// When the next waiting payment is due.
    fn next_watched(&self) -> StoreFuture<'_, Option<Timestamp>>;

    /// Sets when a payment is due again; never without a time.
    fn reschedule_watched(&self, attempt: Uuid, due_at: Option<Timestamp>) -> StoreFuture<'_, ()>;

    /// The checkout that a payment was opened for.
    fn checkout_of(&self, payment: EcommerceId) -> StoreFuture<'_, Option<CheckoutId>>;
}

/// A checkout to be stored.
#[derive(Debug, Clone)]
pub(crate) struct CheckoutRow {
    pub(crate) id: CheckoutId,
    pub(crate) new: NewCheckout,
    pub(crate) form_token: SecretString,
    pub(crate) created_at: Timestamp,
}

/// What has become of an attempt to open a payment.
#[derive(Debug, Clone)]
pub(crate) enum AttemptUpdate {
    /// The provider has given it a name. It is due to be watched at that steady time.
    Opened { ecommerce_id: EcommerceId, due_at: Timestamp },
    /// It wasn't opened: the provider's code, or nothing.
    Failed { code: String },
    /// Another phone asks for approval.
    PhoneChanged(PhoneNumber),
}

/// Payments that are due to be looked up.
#[derive(Debug, Default)]
pub(crate) struct WatchedPayments {
    pub(crate) due: Vec<WatchedPayment>,
    /// How many payments wait in all.
    pub(crate) waiting: u32,
}

/// An open payment of a checkout that is due to be looked up.
#[derive(Debug)]
pub(crate) struct WatchedPayment {
    pub(crate) attempt: Uuid,
    pub(crate) transaction: Transaction,
}
