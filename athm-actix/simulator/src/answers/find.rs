//! The answer of find and authorization.

use athm_core::Item;
use serde::Serialize;
use serde_json::Number;

use super::{MovementItem, ecommerce_status};
use crate::amounts::{as_number, as_single_float};
use crate::business::Business;
use crate::clock;
use crate::payment::SimulatedPayment;

/// The data of the answer to find and to authorization.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Find<'a> {
    ecommerce_status: &'a str,
    ecommerce_id: String,
    reference_number: &'a str,
    business_customer_id: &'a str,
    transaction_date: String,
    daily_transaction_id: &'a str,
    business_name: &'a str,
    business_path: &'a str,
    industry: &'a str,
    sub_total: Number,
    tax: Number,
    total: Number,
    fee: Number,
    net_amount: Number,
    total_refunded_amount: Number,
    metadata1: &'a str,
    metadata2: &'a str,
    items: Vec<FindItem<'a>>,
    is_non_profit: bool,
}

impl<'a> Find<'a> {
    pub(crate) fn new(payment: &'a SimulatedPayment, business: &'a Business) -> Self {
        Self {
            ecommerce_status: ecommerce_status(&payment.status),
            ecommerce_id: payment.ecommerce_id.to_string(),
            reference_number: payment.reference_number.as_ref().map_or("", |reference| reference.as_str()),
            business_customer_id: payment.business_id.as_deref().unwrap_or(&business.id),
            transaction_date: payment.date.map(clock::written).unwrap_or_default(),
            daily_transaction_id: payment.daily_transaction_id.as_deref().unwrap_or_default(),
            business_name: payment.business_name.as_deref().unwrap_or(&business.name),
            business_path: payment.business_path.as_deref().unwrap_or(&business.path),
            industry: payment.industry.as_deref().unwrap_or(&business.industry),
            sub_total: as_number(payment.stated_subtotal()),
            tax: as_number(payment.tax),
            total: as_number(payment.total),
            fee: as_single_float(payment.fee.unwrap_or_default()),
            net_amount: as_number(payment.net_amount.unwrap_or_default()),
            total_refunded_amount: as_number(payment.refunded_amount),
            metadata1: &payment.metadata_1,
            metadata2: &payment.metadata_2,
            items: payment.items.iter().map(FindItem::new).collect(),
            is_non_profit: payment.non_profit,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindItem<'a> {
    #[serde(flatten)]
    item: MovementItem<'a>,
    formatted_price: &'static str,
    sku: &'a str,
}

impl<'a> FindItem<'a> {
    fn new(item: &'a Item) -> Self {
        Self { item: MovementItem::new(item), formatted_price: "", sku: &item.sku }
    }
}

#[cfg(test)]
mod tests {
    use athm_core::Amount;

    use super::*;

    #[test]
    fn find_has_exactly_the_keys_of_the_provider() {
        let payment = SimulatedPayment::new(Amount::from_cents(233)).item(Item::new("Mug", Amount::from_cents(133)));
        let business = Business::default();
        let json = serde_json::to_value(Find::new(&payment, &business)).unwrap();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "businessCustomerId",
                "businessName",
                "businessPath",
                "dailyTransactionId",
                "ecommerceId",
                "ecommerceStatus",
                "fee",
                "industry",
                "isNonProfit",
                "items",
                "metadata1",
                "metadata2",
                "netAmount",
                "referenceNumber",
                "subTotal",
                "tax",
                "total",
                "totalRefundedAmount",
                "transactionDate",
            ]
        );
        assert_eq!(
            json["items"][0],
            serde_json::json!({
                "name": "Mug", "description": "", "quantity": 1, "price": 1.33, "tax": 0, "metadata": "",
                "formattedPrice": "", "sku": "",
            })
        );
    }
}
