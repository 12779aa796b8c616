//! From what is meant to fields, spelt as today's webhooks spell them.

use serde_json::{Map, Value};

use super::words;
use crate::callback::Message;
use crate::models::{Customer, Item};

/// The fields of a message; what it doesn't say is left out.
pub(crate) fn written(callback: &Message) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(text) = value {
            fields.insert(name.to_owned(), Value::String(text));
        }
    };
    put("transactionType", callback.kind.as_ref().map(|kind| words::provider_kind(kind).to_owned()));
    put("status", callback.status.as_ref().map(|status| words::provider_status(status).to_owned()));
    put("ecommerceId", callback.ecommerce_id.map(|id| id.to_string()));
    put("referenceNumber", callback.reference_number.as_ref().map(ToString::to_string));
    put("dailyTransactionId", callback.daily_transaction_id.clone());
    put("transactionDate", callback.date.map(words::provider_date));
    put("total", callback.total.map(|amount| amount.to_string()));
    put("subTotal", callback.subtotal.map(|amount| amount.to_string()));
    put("tax", callback.tax.map(|amount| amount.to_string()));
    put("fee", callback.fee.map(|amount| amount.to_string()));
    put("netAmount", callback.net_amount.map(|amount| amount.to_string()));
    put("totalRefundedAmount", callback.refunded_amount.map(|amount| amount.to_string()));
    put("metadata1", callback.metadata_1.clone());
    put("metadata2", callback.metadata_2.clone());
    if let Some(Customer { name, phone, email, message }) = callback.customer.clone() {
        put("name", name);
        put("phoneNumber", phone);
        put("email", email);
        put("message", message);
    }
    if !callback.items.is_empty() {
        fields.insert("items".to_owned(), callback.items.iter().map(item_object).collect());
    }
    fields
}

/// One item, as a request for a payment and a webhook spell it.
pub(crate) fn item_object(item: &Item) -> Value {
    serde_json::json!({
        "name": item.name,
        "description": item.description,
        "quantity": item.quantity.to_string(),
        "price": item.price.to_string(),
        "tax": item.tax.to_string(),
        "metadata": item.metadata,
        "sku": item.sku,
    })
}
