//! A payment in the provider's books.

use std::time::Duration;

use athm_core::{Amount, Customer, EcommerceId, Item, ReferenceNumber, Status, TransactionKind};
use jiff::Timestamp;
use uuid::Uuid;

/// One payment, as the simulated provider knows it: to be [inserted](super::Simulator::insert), or as it
/// [stands](super::Simulator::payment).
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
    /// The name of the ticket. A random one, unless given.
    pub ecommerce_id: EcommerceId,
    /// What sort of payment it is. Those of another sort than `Ecommerce` have no ticket: search knows them, find doesn't.
    pub kind: TransactionKind,
    /// The state that it is in; an `Unknown` one is answered word for word.
    pub status: Status,
    /// The name of the movement of money. Inserting a completed payment without one makes one up.
    pub reference_number: Option<ReferenceNumber>,
    /// The number within the business's day, such as `0001`. Inserting a completed payment without one counts on.
    pub daily_transaction_id: Option<String>,
    /// When the money moved. Inserting a completed payment without it takes the simulator's now.
    pub date: Option<Timestamp>,
    /// What the customer pays.
    pub total: Amount,
    /// The part of the total before tax (the total less the tax, unless given).
    pub subtotal: Option<Amount>,
    /// The tax.
    pub tax: Amount,
    /// What the provider keeps: of a completed payment 2.25 %, at least 0.06, unless given.
    pub fee: Option<Amount>,
    /// What the merchant receives: of a completed payment the total less the fee, unless given.
    pub net_amount: Option<Amount>,
    /// What has been given back so far.
    pub refunded_amount: Amount,
    /// The first of the merchant's two texts.
    pub metadata_1: String,
    /// The second of the merchant's two texts.
    pub metadata_2: String,
    /// What is bought.
    pub items: Vec<Item>,
    /// Who pays: an invented somebody, unless given. Only search tells.
    pub customer: Customer,
    /// The `businessCustomerId` of who is paid (the simulator's own business, unless given).
    pub business_id: Option<String>,
    /// The name of who is paid (the simulator's own business, unless given).
    pub business_name: Option<String>,
    /// How long the customer has, counted from the insertion (600 seconds, unless given).
    pub timeout: Duration,
    /// Of a refund, the payment that it gives back from.
    pub refund_of: Option<EcommerceId>,
    // What a seed may say besides, so that it is answered as it was given.
    pub(crate) business_path: Option<String>,
    pub(crate) industry: Option<String>,
    pub(crate) non_profit: bool,
}

/// Whose reference number a refund carries, in its webhook and its answers: the provider's documents show both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RefundReference {
    /// One of its own.
    #[default]
    OfItsOwn,
    /// The payment's.
    OfThePayment,
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

    /// The name of the ticket.
    #[must_use]
    pub fn ecommerce_id(mut self, id: EcommerceId) -> Self {
        self.ecommerce_id = id;
        self
    }

    /// What sort of payment it is.
    #[must_use]
    pub fn kind(mut self, kind: TransactionKind) -> Self {
        self.kind = kind;
        self
    }

    /// The state that it is in.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// The name of the movement of money.
    #[must_use]
    pub fn reference_number(mut self, reference: ReferenceNumber) -> Self {
        self.reference_number = Some(reference);
        self
    }

    /// The number within the business's day.
    #[must_use]
    pub fn daily_transaction_id(mut self, id: impl Into<String>) -> Self {
        self.daily_transaction_id = Some(id.into());
        self
    }

    /// When the money moved.
    #[must_use]
    pub fn date(mut self, date: Timestamp) -> Self {
        self.date = Some(date);
        self
    }

    /// What the customer pays.
    #[must_use]
    pub fn total(mut self, total: Amount) -> Self {
        self.total = total;
        self
    }

    /// The part of the total before tax.
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

    /// What the provider keeps.
    #[must_use]
    pub fn fee(mut self, fee: Amount) -> Self {
        self.fee = Some(fee);
        self
    }

    /// What the merchant receives.
    #[must_use]
    pub fn net_amount(mut self, net: Amount) -> Self {
        self.net_amount = Some(net);
        self
    }

    /// What has been given back so far.
    #[must_use]
    pub fn refunded_amount(mut self, refunded: Amount) -> Self {
        self.refunded_amount = refunded;
        self
    }

    /// The first of the merchant's two texts.
    #[must_use]
    pub fn metadata_1(mut self, text: impl Into<String>) -> Self {
        self.metadata_1 = text.into();
        self
    }

    /// The second of the merchant's two texts.
    #[must_use]
    pub fn metadata_2(mut self, text: impl Into<String>) -> Self {
        self.metadata_2 = text.into();
        self
    }

    /// One more line of what is bought.
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

    /// The words that the customer sent along.
    #[must_use]
    pub fn customer_message(mut self, message: impl Into<String>) -> Self {
        self.customer.message = Some(message.into());
        self
    }

    /// The `businessCustomerId` of who is paid.
    #[must_use]
    pub fn business_id(mut self, id: impl Into<String>) -> Self {
        self.business_id = Some(id.into());
        self
    }

    /// The name of who is paid.
    #[must_use]
    pub fn business_name(mut self, name: impl Into<String>) -> Self {
        self.business_name = Some(name.into());
        self
    }

    /// How long the customer has, counted from the insertion.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn stated_subtotal(&self) -> Amount {
        self.subtotal.or_else(|| self.total.checked_sub(self.tax)).unwrap_or(self.total)
    }

    /// The name of the movement of money, empty before there is one.
    pub(crate) fn reference(&self) -> String {
        self.reference_number.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// What the event tells of by which a merchant tries out a listener.
    pub(crate) fn test_event() -> Self {
        let payment = Self::new(Amount::from_cents(300)).kind(TransactionKind::Simulated);
        payment.status(Status::Completed).metadata_1("a test event")
    }

    /// What can be given back.
    pub(crate) fn refundable(&self) -> Amount {
        let is_paid = self.status == Status::Completed && self.kind != TransactionKind::Refund;
        let left = self.total.checked_sub(self.refunded_amount).unwrap_or_default();
        if is_paid { left } else { Amount::ZERO }
    }

    /// Whether the customer can still do something about it.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.status, Status::Open | Status::Confirmed)
    }
}
