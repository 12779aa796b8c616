//! The setters of a payment.

use std::time::Duration;

use athm_core::ids::{EcommerceId, ReferenceNumber};
use athm_core::{Amount, Item, Status, TransactionKind};
use jiff::Timestamp;

use super::SimulatedPayment;

impl SimulatedPayment {
    /// The `ecommerceId`.
    #[must_use]
    pub fn ecommerce_id(mut self, id: EcommerceId) -> Self {
        self.ecommerce_id = id;
        self
    }

    /// The kind of payment.
    #[must_use]
    pub fn kind(mut self, kind: TransactionKind) -> Self {
        self.kind = kind;
        self
    }

    /// The status.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// The reference number.
    #[must_use]
    pub fn reference_number(mut self, reference: ReferenceNumber) -> Self {
        self.reference_number = Some(reference);
        self
    }

    /// The number within the business's day, such as `0001`.
    #[must_use]
    pub fn daily_transaction_id(mut self, id: impl Into<String>) -> Self {
        self.daily_transaction_id = Some(id.into());
        self
    }

    /// The time at which the money moved.
    #[must_use]
    pub fn date(mut self, date: Timestamp) -> Self {
        self.date = Some(date);
        self
    }

    /// The total, which the customer pays.
    #[must_use]
    pub fn total(mut self, total: Amount) -> Self {
        self.total = total;
        self
    }

    /// The subtotal, before tax.
    #[must_use]
    pub fn subtotal(mut self, subtotal: Amount) -> Self {
        self.subtotal = Some(subtotal);
        self
    }

    /// The tax.
    #[must_use]
    pub fn tax(mut self, tax: Amount) -> Self {
        self.tax = tax;
        self
    }

    /// The fee, which the provider keeps.
    #[must_use]
    pub fn fee(mut self, fee: Amount) -> Self {
        self.fee = Some(fee);
        self
    }

    /// The net amount, which the merchant receives.
    #[must_use]
    pub fn net_amount(mut self, net: Amount) -> Self {
        self.net_amount = Some(net);
        self
    }

    /// The sum of all refunds so far.
    #[must_use]
    pub fn refunded_amount(mut self, refunded: Amount) -> Self {
        self.refunded_amount = refunded;
        self
    }

    /// The merchant's first text, such as an order number.
    #[must_use]
    pub fn metadata_1(mut self, text: impl Into<String>) -> Self {
        self.metadata_1 = text.into();
        self
    }

    /// The merchant's second text.
    #[must_use]
    pub fn metadata_2(mut self, text: impl Into<String>) -> Self {
        self.metadata_2 = text.into();
        self
    }

    /// Adds an item.
    #[must_use]
    pub fn item(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// The customer's name.
    #[must_use]
    pub fn customer_name(mut self, name: impl Into<String>) -> Self {
        self.customer.name = Some(name.into());
        self
    }

    /// The customer's phone: ten digits.
    #[must_use]
    pub fn customer_phone(mut self, phone: impl Into<String>) -> Self {
        self.customer.phone = Some(phone.into());
        self
    }

    /// The customer's e-mail address.
    #[must_use]
    pub fn customer_email(mut self, email: impl Into<String>) -> Self {
        self.customer.email = Some(email.into());
        self
    }

    /// The customer's message.
    #[must_use]
    pub fn customer_message(mut self, message: impl Into<String>) -> Self {
        self.customer.message = Some(message.into());
        self
    }

    /// The `businessCustomerId` of the business.
    #[must_use]
    pub fn business_id(mut self, id: impl Into<String>) -> Self {
        self.business_id = Some(id.into());
        self
    }

    /// The name of the business.
    #[must_use]
    pub fn business_name(mut self, name: impl Into<String>) -> Self {
        self.business_name = Some(name.into());
        self
    }

    /// The time until the payment expires, from its insertion.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}
