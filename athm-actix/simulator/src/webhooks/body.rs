//! The body of a webhook, in its two shapes.

use athm_core::{Item, Status};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Event, WebhookShape};
use crate::amounts::{as_single_float, quantity};
use crate::business::Business;
use crate::clock;
use crate::payment::SimulatedPayment;

/// Events of the v4 shape are dated later than their transaction.
const LATER: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// The body of an event. Only completed and cancelled checkouts have the v4 shape.
pub(super) fn body(
    event: Event,
    payment: &SimulatedPayment,
    business: &Business,
    shape: BodyShape,
    now: Timestamp,
) -> Value {
    match (shape, event) {
        (BodyShape::V4, Event::Completed | Event::Cancelled) => v4(payment, business, now),
        _ => v2020(event, payment, now),
    }
}

/// The shape of one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyShape {
    V2020,
    V4,
}

impl BodyShape {
    /// Draws the shape of a webhook.
    pub(super) fn draw(shape: WebhookShape, random: &mut fastrand::Rng) -> Self {
        match shape {
            WebhookShape::V2020 => Self::V2020,
            WebhookShape::V4 => Self::V4,
            WebhookShape::Mixed if random.bool() => Self::V2020,
            WebhookShape::Mixed => Self::V4,
        }
    }
}

/// Lower case, all values are texts, no `ecommerceId`.
fn v2020(event: Event, payment: &SimulatedPayment, now: Timestamp) -> Value {
    let is_paid = payment.status == Status::Completed;
    let customer = |text: &Option<String>| text.as_deref().filter(|_| is_paid).unwrap_or_default().to_owned();
    let date = payment.date.unwrap_or(now);
    let kind = match event {
        Event::Completed | Event::Cancelled | Event::Expired => "ecommerce",
        Event::Payment => "payment",
        Event::Donation => "donation",
        Event::Refund => "refund",
        Event::Simulated => "simulated",
    };
    json!({
        "transactionType": kind,
        "status": payment.status.to_string(),
        "date": format!("{}.0", clock::written(date)),
        "referenceNumber": payment.reference(),
        "dailyTransactionID": payment.daily_transaction_id.as_deref().unwrap_or_default(),
        "name": customer(&payment.customer.name),
        "phoneNumber": customer(&payment.customer.phone),
        "email": customer(&payment.customer.email),
        "message": customer(&payment.customer.message),
        "total": payment.total.to_string(),
        "tax": payment.tax.to_string(),
        "subtotal": payment.stated_subtotal().to_string(),
        "fee": payment.fee.unwrap_or_default().to_string(),
        "netAmount": payment.net_amount.unwrap_or_default().to_string(),
        "totalRefundedAmount": payment.refunded_amount.to_string(),
        "metadata1": payment.metadata_1,
        "metadata2": payment.metadata_2,
        "items": payment.items.iter().map(item_2020).collect::<Vec<_>>(),
    })
}

fn item_2020(item: &Item) -> Value {
    json!({
        "name": item.name,
        "description": item.description,
        "quantity": item.quantity.to_string(),
        "price": item.price.to_string(),
        "tax": item.tax.to_string(),
        "metadata": item.metadata,
    })
}

/// Upper case, numbers (the customer's phone, too), with `ecommerceId`.
fn v4(payment: &SimulatedPayment, business: &Business, now: Timestamp) -> Value {
    let is_paid = payment.status == Status::Completed;
    let customer = |text: &Option<String>| text.as_deref().filter(|_| is_paid).unwrap_or_default().to_owned();
    let phone: u64 = customer(&payment.customer.phone).parse().unwrap_or_default();
    let date = payment.date.unwrap_or(now);
    json!({
        "businessName": payment.business_name.as_deref().unwrap_or(&business.name),
        "dailyTransactionId": payment.daily_transaction_id.as_deref().unwrap_or_default(),
        "date": clock::written(date.saturating_add(LATER).unwrap_or(date)),
        "ecommerceId": payment.ecommerce_id.to_string(),
        "email": customer(&payment.customer.email),
        "fee": as_single_float(payment.fee.unwrap_or_default()),
        "isNonProfit": payment.non_profit,
        "items": payment.items.iter().map(item_v4).collect::<Vec<_>>(),
        "message": customer(&payment.customer.message),
        "metadata1": payment.metadata_1,
        "metadata2": payment.metadata_2,
        "name": customer(&payment.customer.name),
        "netAmount": as_single_float(payment.net_amount.unwrap_or_default()),
        "phoneNumber": phone,
        "referenceNumber": payment.reference(),
        // Despite its name, the provider sends no transaction's id here.
        "referenceTransactionId": business.id,
        "status": if is_paid { "COMPLETED" } else { "CANCEL" },
        "subTotal": as_single_float(payment.stated_subtotal()),
        "tax": as_single_float(payment.tax),
        "total": as_single_float(payment.total),
        "totalRefundedAmount": as_single_float(payment.refunded_amount),
        "transactionDate": payment.date.map(clock::written).unwrap_or_default(),
        "transactionType": "ECOMMERCE",
    })
}

fn item_v4(item: &Item) -> Value {
    json!({
        "description": item.description,
        "formattedPrice": "",
        "metadata": item.metadata,
        "name": item.name,
        "price": as_single_float(item.price),
        "quantity": quantity(item),
        "sku": item.sku,
        "tax": as_single_float(item.tax),
    })
}

#[cfg(test)]
mod tests {
    use athm_core::{Amount, TransactionKind};

    use super::*;

    fn written(payment: &SimulatedPayment, shape: BodyShape) -> Value {
        let event = Event::of(payment).unwrap();
        body(event, payment, &Business::default(), shape, "2026-03-01T22:04:59Z".parse().unwrap())
    }

    fn paid() -> SimulatedPayment {
        let date = "2026-03-01T22:04:59Z".parse().unwrap();
        SimulatedPayment::new(Amount::from_cents(2786))
            .status(Status::Completed)
            .fee(Amount::from_cents(63))
            .date(date)
            .item(Item::new("Mug", Amount::from_cents(1393)).quantity(2))
    }

    #[test]
    fn the_2020_shape_is_lower_case_with_text_values() {
        let json = written(&paid(), BodyShape::V2020);
        assert_eq!((&json["transactionType"], &json["status"]), (&json!("ecommerce"), &json!("completed")));
        assert_eq!((&json["date"], &json["total"]), (&json!("2026-03-01 18:04:59.0"), &json!("27.86")));
        assert_eq!(json["phoneNumber"], "7875550142");
        assert_eq!(json.get("ecommerceId"), None);
        let fields = json.as_object().unwrap();
        assert!(fields.values().all(|value| value.is_string() || value.is_array()), "{json}");
    }

    #[test]
    fn the_v4_shape_has_the_ecommerce_id_and_rounded_floats() {
        let payment = paid();
        let json = written(&payment, BodyShape::V4);
        assert_eq!((&json["transactionType"], &json["status"]), (&json!("ECOMMERCE"), &json!("COMPLETED")));
        assert_eq!(json["ecommerceId"], payment.ecommerce_id.to_string());
        assert_eq!(
            (&json["transactionDate"], &json["date"]),
            (&json!("2026-03-01 18:04:59"), &json!("2026-03-01 18:05:01"))
        );
        assert_eq!(json["fee"].to_string(), "0.6299999952316284");
        assert_eq!(json["phoneNumber"], 7_875_550_142_u64);
    }

    #[test]
    fn expired_payments_and_other_kinds_have_the_2020_shape() {
        for payment in [
            SimulatedPayment::new(Amount::from_cents(100)).status(Status::Expired),
            paid().kind(TransactionKind::Payment),
            paid().kind(TransactionKind::Donation),
            paid().kind(TransactionKind::Refund),
            paid().kind(TransactionKind::Simulated),
        ] {
            let json = written(&payment, BodyShape::V4);
            assert_eq!(json.get("ecommerceId"), None, "{json}");
            assert_eq!(json["transactionType"], payment.kind.to_string());
        }
        let cancelled =
            written(&SimulatedPayment::new(Amount::from_cents(100)).status(Status::Cancelled), BodyShape::V4);
        assert_eq!((&cancelled["status"], &cancelled["phoneNumber"]), (&json!("CANCEL"), &json!(0)));
    }
}
