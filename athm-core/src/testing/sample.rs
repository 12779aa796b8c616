//! Payments to test with.

use std::fmt::Display;

use uuid::Uuid;

use crate::models::{Amount, Customer, Status, Transaction, TransactionBuilder, TransactionKind};
use crate::util::clock::system_now;

/// What a [`TransactionBuilder`] of a sample says instead of `()`: it may be anything, and fills in the rest.
///
/// ```
/// use athm_core::Transaction;
/// use athm_core::testing::Sample;
/// use athm_core::transactions::TransactionBuilder;
///
/// fn order(number: u32) -> TransactionBuilder<Sample> {
///     Transaction::sample().metadata_1(format!("order-{number}"))
/// }
///
/// assert_eq!(order(7).completed().build().metadata_1(), "order-7");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Sample;

impl Transaction {
    /// Starts a payment to test with: an open checkout over 25.00 for `order-1`, verified, with names that no other
    /// sample has. Say what happened to it, and what your receiver looks at.
    ///
    /// ```
    /// use athm_core::{Signal, Transaction};
    ///
    /// let paid = Transaction::sample().completed().metadata_1("order-7").total("12.50").build();
    /// assert_eq!(paid.total().to_string(), "12.50");
    /// assert!(paid.is_verified() && paid.reference_number().is_some());
    ///
    /// let another = Transaction::sample().completed().build();
    /// assert_ne!(another.ecommerce_id(), paid.ecommerce_id());
    /// ```
    pub fn sample() -> TransactionBuilder<Sample> {
        let payment = Self::builder(Status::Open, Amount::from_cents(2500)).metadata_1("order-1").build();
        TransactionBuilder::of(Self { verified: true, ..payment })
    }
}

/// What samples alone can be: these are the methods of [`Transaction::sample`].
impl TransactionBuilder<Sample> {
    /// It was paid: the money has moved.
    pub fn completed(self) -> Self {
        self.status(Status::Completed)
    }

    /// The customer or the merchant cancelled it.
    pub fn cancelled(self) -> Self {
        self.status(Status::Cancelled)
    }

    /// It was not approved in time.
    pub fn expired(self) -> Self {
        self.status(Status::Expired)
    }

    /// It was paid, and so much has been given back since.
    ///
    /// # Panics
    ///
    /// When that is no amount.
    #[track_caller]
    pub fn refunded(self, amount: impl TryInto<Amount, Error: Display>) -> Self {
        self.completed().refunded_amount(amount_of(amount))
    }

    /// It is in that state.
    pub fn status(mut self, status: Status) -> Self {
        self.transaction.status = status;
        self
    }

    /// What the customer pays: an [`Amount`], or a text like `"25.00"`.
    ///
    /// # Panics
    ///
    /// When that is no amount.
    #[track_caller]
    pub fn total(mut self, total: impl TryInto<Amount, Error: Display>) -> Self {
        let (total, before) = (amount_of(total), self.transaction.total);
        if self.transaction.subtotal == before {
            self.transaction.subtotal = total;
        }
        self.transaction.total = total;
        self
    }

    /// Who paid.
    ///
    /// ```
    /// use athm_core::{Customer, Transaction};
    ///
    /// let mut customer = Customer::default();
    /// customer.email = Some("ana@example.com".to_owned());
    /// let paid = Transaction::sample().completed().customer(customer).build();
    /// assert!(paid.customer().is_some());
    /// ```
    pub fn customer(mut self, customer: Customer) -> Self {
        self.transaction.customer = Some(customer);
        self
    }

    /// It is what a message states, without the provider's confirmation.
    pub fn unverified(mut self) -> Self {
        self.transaction.verified = false;
        self
    }

    /// The transaction, with what a payment in that state has: the provider's ids, and once it
    /// is completed a date, a fee (a fortieth, made up) and what is left for the merchant.
    #[must_use]
    pub fn build(self) -> Transaction {
        let mut payment = self.transaction;
        if payment.kind == TransactionKind::Ecommerce && payment.ecommerce_id.is_none() {
            payment.ecommerce_id = Some(Uuid::now_v7().into());
        }
        if payment.status == Status::Completed {
            complete(&mut payment);
        }
        payment
    }
}

fn complete(payment: &mut Transaction) {
    payment.date.get_or_insert_with(system_now);
    if payment.reference_number.is_none() {
        // What is made here always parses.
        payment.reference_number = Uuid::now_v7().simple().to_string().parse().ok();
    }
    if payment.fee == Amount::ZERO && payment.net_amount == Amount::ZERO {
        payment.fee = Amount::from_cents(payment.total.cents() / 40);
        payment.net_amount = payment.total.checked_sub(payment.fee).unwrap_or_default();
    }
}

#[track_caller]
fn amount_of(amount: impl TryInto<Amount, Error: Display>) -> Amount {
    match amount.try_into() {
        Ok(amount) => amount,
        Err(error) => panic!("the amount of a sample: {error}"),
    }
}
