//! The payment, and how it moves from state to state.

mod apply;
mod builder;
mod correct;
mod transition;

use std::fmt;

use jiff::Timestamp;

pub(crate) use self::apply::FiredTransitions;
pub use self::builder::TransactionBuilder;
pub use self::transition::Transition;
use super::{Amount, Customer, EcommerceId, Item, Permanent, ReferenceNumber, Status, TransactionId, TransactionKind};

/// One payment, as the provider last reported it.
///
/// A receiver gets it by reference. All amounts are US dollars in integer cents, all times are UTC.
///
/// ```
/// use athm_core::{Amount, Status, Transaction};
///
/// let transaction = Transaction::builder(Status::Completed, "25.00".parse()?).metadata_1("order-7").build();
/// assert_eq!(transaction.metadata_1(), "order-7");
/// transaction.expect_total(Amount::from_cents(2500))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    pub(crate) id: TransactionId,
    pub(crate) kind: TransactionKind,
    pub(crate) status: Status,
    pub(crate) ecommerce_id: Option<EcommerceId>,
    pub(crate) reference_number: Option<ReferenceNumber>,
    pub(crate) daily_transaction_id: Option<String>,
    pub(crate) total: Amount,
    pub(crate) subtotal: Amount,
    pub(crate) tax: Amount,
    pub(crate) fee: Amount,
    pub(crate) net_amount: Amount,
    pub(crate) refunded_amount: Amount,
    pub(crate) metadata_1: String,
    pub(crate) metadata_2: String,
    pub(crate) items: Vec<Item>,
    pub(crate) customer: Option<Customer>,
    pub(crate) date: Option<Timestamp>,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) expected_total: Option<Amount>,
    pub(crate) accepted_total: Option<Amount>,
    pub(crate) verified: bool,
    pub(crate) problem: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Transaction {
    /// athm's own id of the payment: the key of its row.
    #[must_use]
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// The kind of payment: a checkout, an app payment, a donation.
    #[must_use]
    pub fn kind(&self) -> &TransactionKind {
        &self.kind
    }

    /// The state it is in.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The provider's id of the checkout; app payments and donations have none.
    #[must_use]
    pub fn ecommerce_id(&self) -> Option<&EcommerceId> {
        self.ecommerce_id.as_ref()
    }

    /// The provider's number of the money movement, which exists once the payment is completed.
    #[must_use]
    pub fn reference_number(&self) -> Option<&ReferenceNumber> {
        self.reference_number.as_ref()
    }

    /// The payment's number within the business's day, as the provider writes it (`"0001"` and `"1"` are both seen).
    #[must_use]
    pub fn daily_transaction_id(&self) -> Option<&str> {
        self.daily_transaction_id.as_deref()
    }

    /// What the customer pays.
    #[must_use]
    pub fn total(&self) -> Amount {
        self.total
    }

    /// The part of the total before tax, as the merchant stated it. The provider doesn't check that it adds up.
    #[must_use]
    pub fn subtotal(&self) -> Amount {
        self.subtotal
    }

    /// The tax, as the merchant stated it.
    #[must_use]
    pub fn tax(&self) -> Amount {
        self.tax
    }

    /// What the provider keeps; zero until completed.
    #[must_use]
    pub fn fee(&self) -> Amount {
        self.fee
    }

    /// What the merchant receives; zero until completed.
    #[must_use]
    pub fn net_amount(&self) -> Amount {
        self.net_amount
    }

    /// How much has been refunded so far, all refunds together.
    #[must_use]
    pub fn refunded_amount(&self) -> Amount {
        self.refunded_amount
    }

    /// The first of the two texts that the merchant attached (at most 40 characters): an order number, usually.
    #[must_use]
    pub fn metadata_1(&self) -> &str {
        &self.metadata_1
    }

    /// The second of the two texts that the merchant attached (at most 40 characters).
    #[must_use]
    pub fn metadata_2(&self) -> &str {
        &self.metadata_2
    }

    /// What was bought, as the merchant listed it.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Who paid, where the provider has reported it. A checkout never waits for it.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.customer.as_ref()
    }

    /// Why a person must look at it: its total is negative, or another payment has its reference number.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// When the money moved, by the provider's clock.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        self.date
    }

    /// When a payment that we created expires unless its customer approves it; `None` for payments opened elsewhere.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Whether this program opened the payment, with [`Athm::create`](crate::Athm::create).
    ///
    /// The provider's own button opens payments in the browser, with whatever metadata the page gives: of those this is
    /// `false`. See [`only_payments_opened_here`](crate::AthmBuilder::only_payments_opened_here).
    ///
    /// ```
    /// use athm_core::{Amount, Status, Transaction};
    ///
    /// let price = Amount::from_cents(2500);
    /// assert!(!Transaction::builder(Status::Completed, price).build().is_ours());
    /// assert!(Transaction::builder(Status::Completed, price).expected_total(price).build().is_ours());
    /// ```
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.deadline.is_some() || self.expected_total.is_some()
    }

    /// The total that the payment was opened with; `None` for payments opened elsewhere.
    #[must_use]
    pub fn expected_total(&self) -> Option<Amount> {
        self.expected_total
    }

    /// Whether the provider reports another total than the one that the payment was opened with, and it isn't
    /// [accepted](crate::Athm::accept_mismatch). Such a payment fires `received` and no `completed`.
    ///
    /// ```
    /// use athm_core::{Amount, Status, Transaction};
    ///
    /// let paid = Transaction::builder(Status::Completed, Amount::from_cents(100));
    /// assert!(paid.expected_total(Amount::from_cents(2500)).build().is_mismatch());
    /// ```
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        self.mismatch().is_some()
    }

    /// The expected total, where the total is another one that isn't accepted.
    pub(crate) fn mismatch(&self) -> Option<Amount> {
        self.expected_total.filter(|expected| *expected != self.total && self.accepted_total != Some(self.total))
    }

    /// Whether the status is the provider's own word, asked for by us, rather than what a message claimed.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// When athm first saw the payment.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When something about the payment last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Checks that the customer paid what the order costs.
    ///
    /// Any customer can pay a dollar with another order's metadata: a receiver that fulfils orders checks the total first.
    ///
    /// # Errors
    ///
    /// [`UnexpectedTotal`] when the total is any other amount, higher ones included.
    ///
    /// ```
    /// use athm_core::{Amount, Status, Transaction};
    ///
    /// let cheap = Transaction::builder(Status::Completed, Amount::from_cents(100)).build();
    /// let error = cheap.expect_total(Amount::from_cents(2500)).unwrap_err();
    /// assert_eq!(error.to_string(), "expected a total of 25.00, but 1.00 was paid");
    /// ```
    pub fn expect_total(&self, expected: Amount) -> Result<(), UnexpectedTotal> {
        if self.total == expected { Ok(()) } else { Err(UnexpectedTotal { expected, paid: self.total }) }
    }
}

/// A payment of another amount than the order costs.
///
/// It is [`Permanent`]: a receiver that returns it is not tried again.
///
/// ```
/// use athm_core::{Amount, Transaction};
///
/// let cheap = Transaction::sample().completed().total("1.00").build();
/// let error = cheap.expect_total(Amount::from_cents(2500)).unwrap_err();
/// assert_eq!(error.to_string(), "expected a total of 25.00, but 1.00 was paid");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnexpectedTotal {
    expected: Amount,
    paid: Amount,
}

impl UnexpectedTotal {
    /// What the order costs.
    #[must_use]
    pub fn expected(&self) -> Amount {
        self.expected
    }

    /// What was paid.
    #[must_use]
    pub fn paid(&self) -> Amount {
        self.paid
    }
}

impl fmt::Display for UnexpectedTotal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, paid } = self;
        write!(f, "expected a total of {expected}, but {paid} was paid")
    }
}

impl std::error::Error for UnexpectedTotal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&Permanent::MARK)
    }
}
