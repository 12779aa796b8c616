//! The answers of search, report and refund, whose field names differ from those of find.

use athm_core::{Item, TransactionKind};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Number;

use super::{daily_number, ecommerce_status, phone, transaction_type};
use crate::amounts::{as_number, quantity};
use crate::clock;
use crate::payment::SimulatedPayment;

/// One transaction of a search answer, which has no envelope.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Search<'a> {
    #[serde(flatten)]
    movement: Movement<'a>,
    total_refunded_amount: Number,
}

impl<'a> Search<'a> {
    pub(crate) fn new(payment: &'a SimulatedPayment) -> Self {
        Self { total_refunded_amount: as_number(payment.refunded_amount), movement: Movement::new(payment) }
    }
}

/// One transaction of a report, which spells some fields differently and ends some references with a space.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report<'a> {
    #[serde(flatten)]
    movement: Movement<'a>,
    total_refund_amount: Number,
}

impl<'a> Report<'a> {
    pub(crate) fn new(index: usize, payment: &'a SimulatedPayment) -> Self {
        let mut movement = Movement::new(payment);
        if payment.kind == TransactionKind::Ecommerce {
            movement.transaction_type = String::from("eCommerce");
        }
        if index % 2 == 1 {
            movement.reference_number.push(' ');
        }
        Self { movement, total_refund_amount: as_number(payment.refunded_amount) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Movement<'a> {
    transaction_type: String,
    status: &'a str,
    date: String,
    reference_number: String,
    #[serde(rename = "dailyTransactionID")]
    daily_transaction_id: Number,
    name: &'a str,
    phone_number: String,
    email: &'a str,
    message: &'a str,
    total: Number,
    tax: Number,
    subtotal: Number,
    fee: Number,
    net_amount: Number,
    metadata1: &'a str,
    metadata2: &'a str,
    items: Vec<MovementItem<'a>>,
}

impl<'a> Movement<'a> {
    fn new(payment: &'a SimulatedPayment) -> Self {
        let customer = &payment.customer;
        Self {
            transaction_type: transaction_type(&payment.kind),
            status: ecommerce_status(&payment.status),
            date: payment.date.map(|date| format!("{}.0", clock::written(date))).unwrap_or_default(),
            reference_number: payment.reference(),
            daily_transaction_id: daily_number(payment).into(),
            name: customer.name.as_deref().unwrap_or_default(),
            phone_number: customer.phone.as_deref().map(phone).unwrap_or_default(),
            email: customer.email.as_deref().unwrap_or_default(),
            message: customer.message.as_deref().unwrap_or_default(),
            total: as_number(payment.total),
            tax: as_number(payment.tax),
            subtotal: as_number(payment.stated_subtotal()),
            fee: as_number(payment.fee.unwrap_or_default()),
            net_amount: as_number(payment.net_amount.unwrap_or_default()),
            metadata1: &payment.metadata_1,
            metadata2: &payment.metadata_2,
            items: payment.items.iter().map(MovementItem::new).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct MovementItem<'a> {
    name: &'a str,
    description: &'a str,
    quantity: Number,
    price: Number,
    tax: Number,
    metadata: &'a str,
}

impl<'a> MovementItem<'a> {
    pub(super) fn new(item: &'a Item) -> Self {
        Self {
            name: &item.name,
            description: &item.description,
            quantity: quantity(item),
            price: as_number(item.price),
            tax: as_number(item.tax),
            metadata: &item.metadata,
        }
    }
}

/// The data of the answer to a refund: the refund, and the refunded payment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refunded<'a> {
    refund: RefundPart<'a>,
    original_transaction: OriginalPart<'a>,
}

impl<'a> Refunded<'a> {
    pub(crate) fn new(refund: &'a SimulatedPayment, original: &'a SimulatedPayment) -> Self {
        let parties = |payment: &'a SimulatedPayment, transaction_type| Parties {
            transaction_type,
            status: ecommerce_status(&payment.status),
            date: payment.date.map(epoch).unwrap_or_default(),
            reference_number: payment.reference(),
            daily_transaction_id: payment.daily_transaction_id.as_deref().unwrap_or_default(),
            name: payment.customer.name.as_deref().unwrap_or_default(),
            phone_number: payment.customer.phone.as_deref().map(phone).unwrap_or_default(),
            email: payment.customer.email.as_deref().unwrap_or_default(),
        };
        Self {
            refund: RefundPart { parties: parties(refund, "REFUND"), refunded_amount: as_number(refund.total) },
            original_transaction: OriginalPart {
                // The provider's sample calls a checkout's payment so, too.
                parties: parties(original, "PAYMENT"),
                message: original.customer.message.as_deref().unwrap_or_default(),
                total: as_number(original.total),
                tax: as_number(original.tax),
                subtotal: as_number(original.stated_subtotal()),
                fee: as_number(original.fee.unwrap_or_default()),
                net_amount: as_number(original.net_amount.unwrap_or_default()),
                total_refunded_amount: as_number(original.refunded_amount),
                metadata1: &original.metadata_1,
                metadata2: &original.metadata_2,
                items: original.items.iter().map(MovementItem::new).collect(),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundPart<'a> {
    #[serde(flatten)]
    parties: Parties<'a>,
    refunded_amount: Number,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OriginalPart<'a> {
    #[serde(flatten)]
    parties: Parties<'a>,
    message: &'a str,
    total: Number,
    tax: Number,
    subtotal: Number,
    fee: Number,
    net_amount: Number,
    total_refunded_amount: Number,
    metadata1: &'a str,
    metadata2: &'a str,
    items: Vec<MovementItem<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parties<'a> {
    transaction_type: &'static str,
    status: &'a str,
    date: String,
    reference_number: String,
    #[serde(rename = "dailyTransactionID")]
    daily_transaction_id: &'a str,
    name: &'a str,
    phone_number: String,
    email: &'a str,
}

/// Milliseconds since 1970, as a text: the answer to a refund has no other date.
fn epoch(moment: Timestamp) -> String {
    moment.as_millisecond().to_string()
}
