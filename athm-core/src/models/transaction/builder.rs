//! A payment put together by hand.

use std::marker::PhantomData;

use jiff::Timestamp;

use crate::models::{Amount, EcommerceId, Item, ReferenceNumber, Status, Transaction, TransactionId, TransactionKind};
use crate::util::clock::system_now;

/// Puts a [`Transaction`] together, for custom callbacks that trust another source.
///
/// Tests start from [`Transaction::sample`], which has all of this too, and fills in what a test doesn't care about.
///
/// ```
/// use athm_core::{Amount, Item, Status, Transaction};
///
/// let price = Amount::from_cents(1250);
/// let transaction = Transaction::builder(Status::Completed, price)
///     .reference_number("402894d56b240610016b2e6c78a6003a".parse()?)
///     .metadata_1("order-7")
///     .item(Item::new("Mug", price))
///     .build();
/// assert_eq!(transaction.items().len(), 1);
/// assert!(!transaction.is_verified());
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct TransactionBuilder<Of = ()> {
    pub(crate) transaction: Transaction,
    of: PhantomData<Of>,
}

impl Transaction {
    /// Starts a checkout payment with that status and total.
    pub fn builder(status: Status, total: Amount) -> TransactionBuilder {
        let now = system_now();
        TransactionBuilder::of(Self {
            id: TransactionId::new(),
            kind: TransactionKind::Ecommerce,
            status,
            ecommerce_id: None,
            reference_number: None,
            daily_transaction_id: None,
            total,
            subtotal: total,
            tax: Amount::ZERO,
            fee: Amount::ZERO,
            net_amount: Amount::ZERO,
            refunded_amount: Amount::ZERO,
            metadata_1: String::new(),
            metadata_2: String::new(),
            items: Vec::new(),
            customer: None,
            date: None,
            deadline: None,
            expected_total: None,
            accepted_total: None,
            verified: false,
            problem: None,
            created_at: now,
            updated_at: now,
        })
    }
}

impl<Of> TransactionBuilder<Of> {
    pub(crate) fn of(transaction: Transaction) -> Self {
        Self { transaction, of: PhantomData }
    }

    /// What sort of payment it is.
    pub fn kind(mut self, kind: TransactionKind) -> Self {
        self.transaction.kind = kind;
        self
    }

    /// The provider's name for an e-commerce payment, given when it was opened: `ecommerceId`.
    pub fn ecommerce_id(mut self, id: EcommerceId) -> Self {
        self.transaction.ecommerce_id = Some(id);
        self
    }

    /// The provider's name for the movement of money.
    pub fn reference_number(mut self, reference: ReferenceNumber) -> Self {
        self.transaction.reference_number = Some(reference);
        self
    }

    /// The number within the business's day.
    pub fn daily_transaction_id(mut self, id: impl Into<String>) -> Self {
        self.transaction.daily_transaction_id = Some(id.into());
        self
    }

    /// The part of the total before tax (the whole total, unless given).
    pub fn subtotal(mut self, subtotal: Amount) -> Self {
        self.transaction.subtotal = subtotal;
        self
    }

    /// The tax.
    pub fn tax(mut self, tax: Amount) -> Self {
        self.transaction.tax = tax;
        self
    }

    /// What the provider keeps.
    pub fn fee(mut self, fee: Amount) -> Self {
        self.transaction.fee = fee;
        self
    }

    /// The total that this program opened the payment with: another one is a mismatch.
    pub fn expected_total(mut self, expected: Amount) -> Self {
        self.transaction.expected_total = Some(expected);
        self
    }

    /// What the merchant receives.
    pub fn net_amount(mut self, net: Amount) -> Self {
        self.transaction.net_amount = net;
        self
    }

    /// What has been given back so far.
    pub fn refunded_amount(mut self, refunded: Amount) -> Self {
        self.transaction.refunded_amount = refunded;
        self
    }

    /// The first of the merchant's two texts.
    pub fn metadata_1(mut self, text: impl Into<String>) -> Self {
        self.transaction.metadata_1 = text.into();
        self
    }

    /// The second of the merchant's two texts.
    pub fn metadata_2(mut self, text: impl Into<String>) -> Self {
        self.transaction.metadata_2 = text.into();
        self
    }

    /// One more line of what was bought.
    pub fn item(mut self, item: Item) -> Self {
        self.transaction.items.push(item);
        self
    }

    /// When the money moved.
    pub fn date(mut self, date: Timestamp) -> Self {
        self.transaction.date = Some(date);
        self
    }
}

impl TransactionBuilder {
    /// The transaction.
    #[must_use]
    pub fn build(self) -> Transaction {
        self.transaction
    }
}
