//! A checkout: what a customer is asked to pay, and the payments that were opened for it, one at a time.
//!
//! Its state is never stored. It follows from the payments, whose rows have one writer already, so that no restart and no
//! second process can make the two disagree.

mod attempt;
mod begin;
mod id;
mod new;
mod stored_items;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::attempt::CheckoutAttempt;
pub(crate) use self::begin::{BeginPayment, BeginPush, NotBegun, PushCounts, PushLimits, StartedAttempt};
pub use self::id::CheckoutId;
pub use self::new::{InvalidCheckout, NewCheckout};
pub(crate) use self::stored_items::StoredItems;
use super::{Amount, Item, Language, NewPayment, Status, Transaction};
use crate::util::clock::later;

/// What a customer is asked to pay, and how that stands: [`Athm::checkout`](crate::Athm::checkout).
///
/// It is as it was when it was read; [`Checkouts::find`](crate::checkouts::Checkouts::find) reads it again. Its `Debug`
/// shows nothing personal, so that no log does.
///
/// ```no_run
/// # async fn offer(athm: athm_core::Athm) -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::Amount;
/// use athm_core::checkouts::NewCheckout;
///
/// let checkout = athm.checkout(NewCheckout::new(Amount::from_cents(2500), "order-7")).await?;
/// println!("send the customer to /athm/checkout/{}", checkout.id());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Checkout {
    pub(crate) id: CheckoutId,
    pub(crate) payment: NewPayment,
    pub(crate) language: Option<Language>,
    pub(crate) return_url: Option<String>,
    /// What the page's forms carry.
    pub(crate) form_token: SecretString,
    pub(crate) email: Option<SecretString>,
    pub(crate) cancelled_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) read_at: Timestamp,
    /// The payments that were opened for it, oldest first.
    pub(crate) attempts: Vec<CheckoutAttempt>,
}

/// How a checkout stands.
///
/// ```
/// use athm_core::checkouts::CheckoutState;
///
/// fn may_be_paid(state: &CheckoutState) -> bool {
///     !matches!(state, CheckoutState::Waiting { .. } | CheckoutState::Completed)
/// }
/// assert!(may_be_paid(&CheckoutState::Expired));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckoutState {
    /// No payment was opened yet.
    Ready,
    /// A payment is open: the customer is asked to approve it until the deadline.
    Waiting {
        /// When the payment expires.
        deadline: Timestamp,
    },
    /// It is paid.
    Completed,
    /// The customer, or the program, has cancelled it. It may be paid again.
    Cancelled,
    /// The customer did not approve in time. It may be paid again.
    Expired,
    /// The provider refused to open the payment, or to move its money. It may be paid again.
    Failed,
}

impl CheckoutState {
    /// The name of the state: `ready`, `waiting`, `completed`, `cancelled`, `expired` or `failed`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting { .. } => "waiting",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

impl Checkout {
    /// Its name, which only its customer may know: the last part of its address.
    #[must_use]
    pub fn id(&self) -> CheckoutId {
        self.id
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> CheckoutState {
        if self.paid().next().is_some() {
            return CheckoutState::Completed;
        }
        let Some(last) = self.attempts.last() else {
            return if self.cancelled_at.is_some() { CheckoutState::Cancelled } else { CheckoutState::Ready };
        };
        let is_opening_until = later(last.opened_at, self.payment.timeout);
        match &last.payment {
            Some(payment) if !payment.status.is_final() => {
                CheckoutState::Waiting { deadline: payment.deadline.unwrap_or(is_opening_until) }
            }
            None if last.is_opening => CheckoutState::Waiting { deadline: is_opening_until },
            _ if self.cancelled_at.is_some_and(|at| at >= last.opened_at) => CheckoutState::Cancelled,
            Some(payment) if payment.status == Status::Expired => CheckoutState::Expired,
            // The provider refused the authorization, and the payment with it.
            Some(_) if last.failure.is_some() => CheckoutState::Failed,
            Some(_) => CheckoutState::Cancelled,
            None => CheckoutState::Failed,
        }
    }

    /// What the customer pays.
    #[must_use]
    pub fn total(&self) -> Amount {
        self.payment.total
    }

    /// The part of the total before tax.
    #[must_use]
    pub fn subtotal(&self) -> Amount {
        self.payment.stated_subtotal()
    }

    /// The tax within the total.
    #[must_use]
    pub fn tax(&self) -> Amount {
        self.payment.tax
    }

    /// How long the customer has to approve each payment.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.payment.timeout
    }

    /// The first text that is attached to its payments: an order number, usually.
    #[must_use]
    pub fn metadata_1(&self) -> &str {
        &self.payment.metadata_1
    }

    /// The second text that is attached to its payments.
    #[must_use]
    pub fn metadata_2(&self) -> &str {
        &self.payment.metadata_2
    }

    /// What is bought.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.payment.items
    }

    /// The page's language, if the program chose one.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// Where the customer goes on afterwards.
    #[must_use]
    pub fn return_url(&self) -> Option<&str> {
        self.return_url.as_deref()
    }

    /// The e-mail address that the customer gave with the phone. It is not verified.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_ref().map(ExposeSecret::expose_secret)
    }

    /// When it was offered.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When it was read, by the clock that its deadline is of: the database server's with PostgreSQL. The time that is left
    /// is the difference of the two.
    #[must_use]
    pub fn read_at(&self) -> Timestamp {
        self.read_at
    }

    /// The payment that pays it, or else the newest one; `None` before the first is open.
    #[must_use]
    pub fn payment(&self) -> Option<&Transaction> {
        self.paid().next().or_else(|| self.attempts.last()?.payment.as_ref())
    }

    /// Completed payments beyond the first: the customer paid twice, and these are to be [refunded](crate::Athm::refund).
    /// [`Athm::problems`](crate::Athm::problems) lists them, too.
    pub fn surplus_payments(&self) -> impl Iterator<Item = &Transaction> {
        self.paid().skip(1)
    }

    /// How many attempts there were to open a payment for it.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts.last().map_or(0, |last| last.number)
    }

    /// Whether the customer has approved, and the money is about to move.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.paid().next().is_none() && self.payment().is_some_and(|payment| payment.status == Status::Confirmed)
    }

    /// The last four digits of the phone that was asked to approve.
    #[must_use]
    pub fn phone_ending(&self) -> Option<&str> {
        let phone = self.attempts.last()?.phone.as_ref()?.as_str();
        phone.get(phone.len().saturating_sub(4)..)
    }

    /// The program's own name for it.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.payment.idempotency_key.as_deref()
    }

    /// What each form of the checkout's page carries, so that no other page can post one.
    #[must_use]
    pub fn form_token(&self) -> &str {
        self.form_token.expose_secret()
    }

    /// Whether a form carries the [token](Self::form_token) of this checkout. It is compared in constant time.
    #[must_use]
    pub fn is_form_token(&self, token: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.form_token.expose_secret().as_bytes().ct_eq(token.as_bytes()).into()
    }

    /// Whether it offers the same as a new one with its key does. PostgreSQL holds every character but U+0000, which becomes
    /// U+FFFD there.
    pub(crate) fn offers(&self, new: &NewCheckout) -> bool {
        let same = |stored: &str, given: &str| stored == given || stored == given.replace('\0', "\u{fffd}");
        let (stored, given) = (&self.payment, &new.payment);
        (stored.total, stored.tax, stored.subtotal, stored.timeout)
            == (given.total, given.tax, given.subtotal, given.timeout)
            && (self.language, &self.return_url) == (new.language, &new.return_url)
            && stored.items == given.items
            && same(&stored.metadata_1, &given.metadata_1)
            && same(&stored.metadata_2, &given.metadata_2)
    }

    /// Completed payments, in the order in which they were opened.
    fn paid(&self) -> impl Iterator<Item = &Transaction> {
        let payments = self.attempts.iter().filter_map(|attempt| attempt.payment.as_ref());
        payments.filter(|payment| payment.status == Status::Completed)
    }

    /// The attempt whose payment is open, or is being opened.
    pub(crate) fn open_attempt(&self) -> Option<&CheckoutAttempt> {
        let is_open = |attempt: &&CheckoutAttempt| match &attempt.payment {
            Some(payment) => !payment.status.is_final(),
            None => attempt.is_opening,
        };
        self.attempts.iter().rev().find(is_open)
    }
}

#[cfg(test)]
mod tests;
