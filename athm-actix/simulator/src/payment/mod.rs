//! A payment in the provider's ledger.

mod json;
mod setters;

use std::time::Duration;

use athm_core::ids::{EcommerceId, ReferenceNumber};
use athm_core::{Amount, Customer, Item, Status, TransactionKind};
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) use self::json::{from_json, phone};

/// A payment in the provider's ledger, to [insert](crate::Simulator::insert) or in its
/// [current state](crate::Simulator::payment).
///
/// ```
/// use athm_simulator::SimulatedPayment;
/// use athm_core::{Amount, Item, Status};
///
/// let payment = SimulatedPayment::new(Amount::from_cents(2700))
///     .status(Status::Completed)
///     .metadata_1("order-7")
///     .item(Item::new("Mug", Amount::from_cents(1350)).quantity(2))
///     .customer_name("Inés Rivera");
/// assert_eq!(payment.total, Amount::from_cents(2700));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SimulatedPayment {
    /// The `ecommerceId` (default: random).
    pub ecommerce_id: EcommerceId,
    /// The kind of payment. Only `Ecommerce` payments are found by `ecommerceId`; search covers all kinds.
    pub kind: TransactionKind,
    /// The status; an `Unknown` one is answered verbatim.
    pub status: Status,
    /// The reference number of the movement of money. A completed payment without one is given one.
    pub reference_number: Option<ReferenceNumber>,
    /// The number within the business's day, such as `0001`. A completed payment without one is given the next.
    pub daily_transaction_id: Option<String>,
    /// The time at which the money moved. A completed payment without one is given the simulator's time.
    pub date: Option<Timestamp>,
    /// The total, which the customer pays.
    pub total: Amount,
    /// The subtotal, before tax (default: the total less the tax).
    pub subtotal: Option<Amount>,
    /// The tax.
    pub tax: Amount,
    /// The fee, which the provider keeps (default of a completed payment: 2.25 %, at least 0.06).
    pub fee: Option<Amount>,
    /// The net amount, which the merchant receives (default of a completed payment: the total less the fee).
    pub net_amount: Option<Amount>,
    /// The sum of all refunds so far.
    pub refunded_amount: Amount,
    /// The merchant's first text, such as an order number.
    pub metadata_1: String,
    /// The merchant's second text.
    pub metadata_2: String,
    /// The items.
    pub items: Vec<Item>,
    /// The customer (default: an invented one), whom only search reports.
    pub customer: Customer,
    /// The `businessCustomerId` of the business (default: that of the builder).
    pub business_id: Option<String>,
    /// The name of the business (default: that of the builder).
    pub business_name: Option<String>,
    /// The time until the payment expires, from its insertion (default: 600 seconds).
    pub timeout: Duration,
    /// The refunded payment, of a refund.
    pub refund_of: Option<EcommerceId>,
    // Read from JSON only, and answered as given.
    pub(crate) business_path: Option<String>,
    pub(crate) industry: Option<String>,
    pub(crate) non_profit: bool,
}

/// Which reference number a refund carries in its webhook and in answers. The provider's documents show both.
///
/// ```
/// use athm_simulator::{RefundReference, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::builder().refund_reference(RefundReference::Payment).start().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RefundReference {
    /// A number of its own.
    #[default]
    Own,
    /// The refunded payment's number.
    Payment,
}

impl SimulatedPayment {
    /// An open checkout payment of that total.
    #[must_use]
    pub fn new(total: Amount) -> Self {
        let mut customer = Customer::default();
        customer.name = Some(String::from("Simulated Customer"));
        customer.phone = Some(String::from("7875550142"));
        customer.email = Some(String::from("customer@simulator.example"));
        Self {
            ecommerce_id: EcommerceId::from(Uuid::now_v7()),
            kind: TransactionKind::Ecommerce,
            status: Status::Open,
            reference_number: None,
            daily_transaction_id: None,
            date: None,
            total,
            subtotal: None,
            tax: Amount::ZERO,
            fee: None,
            net_amount: None,
            refunded_amount: Amount::ZERO,
            metadata_1: String::new(),
            metadata_2: String::new(),
            items: Vec::new(),
            customer,
            business_id: None,
            business_name: None,
            timeout: Duration::from_secs(600),
            refund_of: None,
            business_path: None,
            industry: None,
            non_profit: false,
        }
    }

    pub(crate) fn stated_subtotal(&self) -> Amount {
        self.subtotal.or_else(|| self.total.checked_sub(self.tax)).unwrap_or(self.total)
    }

    /// The reference number, empty before the money has moved.
    pub(crate) fn reference(&self) -> String {
        self.reference_number.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// The payment that the provider's test event reports.
    pub(crate) fn test_event() -> Self {
        let payment = Self::new(Amount::from_cents(300)).kind(TransactionKind::Simulated);
        payment.status(Status::Completed).metadata_1("a test event")
    }

    /// The amount that can still be refunded.
    pub(crate) fn refundable(&self) -> Amount {
        let is_paid = self.status == Status::Completed && self.kind != TransactionKind::Refund;
        let left = self.total.checked_sub(self.refunded_amount).unwrap_or_default();
        if is_paid { left } else { Amount::ZERO }
    }

    /// Whether the payment is open or confirmed.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.status, Status::Open | Status::Confirmed)
    }
}
