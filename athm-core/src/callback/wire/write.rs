//! From what is meant to fields, spelt as today's webhooks spell them.

use serde_json::{Map, Value};

use super::words;
use crate::callback::Message;
use crate::models::{Customer, Item};

/// The fields of a message; what it doesn't say is left out.
pub(crate) fn written(message: &Message) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(text) = value {
            fields.insert(name.to_owned(), Value::String(text));
        }
    };
    put("transactionType", message.kind.as_ref().map(|kind| words::provider_kind(kind).to_owned()));
    put("status", message.status.as_ref().map(|status| words::provider_status(status).to_owned()));
    put("ecommerceId", message.ecommerce_id.map(|id| id.to_string()));
    put("referenceNumber", message.reference_number.as_ref().map(ToString::to_string));
    put("dailyTransactionId", message.daily_transaction_id.clone());
    put("transactionDate", message.date.map(words::provider_date));
    put("total", message.total.map(|amount| amount.to_string()));
    put("subTotal", message.subtotal.map(|amount| amount.to_string()));
    put("tax", message.tax.map(|amount| amount.to_string()));
    put("fee", message.fee.map(|amount| amount.to_string()));
    put("netAmount", message.net_amount.map(|amount| amount.to_string()));
    put("totalRefundedAmount", message.refunded_amount.map(|amount| amount.to_string()));
    put("metadata1", message.metadata_1.clone());
    put("metadata2", message.metadata_2.clone());
    if let Some(customer) = message.customer.clone() {
        let Customer { name, phone, email, message } = customer;
        put("name", name);
        put("phoneNumber", phone);
        put("email", email);
        put("message", message);
    }
    if !message.items.is_empty() {
        fields.insert("items".to_owned(), message.items.iter().map(item_object).collect());
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
