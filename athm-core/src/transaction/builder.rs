//! A payment put together by hand.

use jiff::Timestamp;

use super::{Item, Status, Transaction, TransactionKind};
use crate::clock::system_now;
use crate::{Amount, EcommerceId, ReferenceNumber, TransactionId};

/// Puts a [`Transaction`] together, for custom callbacks that believe another source, and for tests.
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
/// # Ok::<(), athm_core::IdError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct TransactionBuilder(Transaction);

impl Transaction {
    /// Starts a checkout payment with that status and total.
    pub fn builder(status: Status, total: Amount) -> TransactionBuilder {
        let now = system_now();
        TransactionBuilder(Self {
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
            verified: false,
            created_at: now,
            updated_at: now,
        })
    }
}

impl TransactionBuilder {
    /// What sort of payment it is.
    pub fn kind(mut self, kind: TransactionKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The provider's name for the checkout ticket.
    pub fn ecommerce_id(mut self, id: EcommerceId) -> Self {
        self.0.ecommerce_id = Some(id);
        self
    }

    /// The provider's name for the movement of money.
    pub fn reference_number(mut self, reference: ReferenceNumber) -> Self {
        self.0.reference_number = Some(reference);
        self
    }

    /// The part of the total before tax (the whole total, unless given).
    pub fn subtotal(mut self, subtotal: Amount) -> Self {
        self.0.subtotal = subtotal;
        self
    }

    /// The tax.
    pub fn tax(mut self, tax: Amount) -> Self {
        self.0.tax = tax;
        self
    }

    /// What the provider keeps.
    pub fn fee(mut self, fee: Amount) -> Self {
        self.0.fee = fee;
        self
    }

    /// What the merchant receives.
    pub fn net_amount(mut self, net: Amount) -> Self {
        self.0.net_amount = net;
        self
    }

    /// What has been given back so far.
    pub fn refunded_amount(mut self, refunded: Amount) -> Self {
        self.0.refunded_amount = refunded;
        self
    }

    /// The first of the merchant's two texts.
    pub fn metadata_1(mut self, text: impl Into<String>) -> Self {
        self.0.metadata_1 = text.into();
        self
    }

    /// The second of the merchant's two texts.
    pub fn metadata_2(mut self, text: impl Into<String>) -> Self {
        self.0.metadata_2 = text.into();
        self
    }

    /// One more line of what was bought.
    pub fn item(mut self, item: Item) -> Self {
        self.0.items.push(item);
        self
    }

    /// When the money moved.
    pub fn date(mut self, date: Timestamp) -> Self {
        self.0.date = Some(date);
        self
    }

    /// The transaction.
    #[must_use]
    pub fn build(self) -> Transaction {
        self.0
    }
}
