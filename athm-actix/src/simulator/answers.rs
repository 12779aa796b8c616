//! The provider's answers, key by key.

use athm_core::{Amount, Item, Status, TransactionKind};
use serde::Serialize;
use serde_json::Number;

use super::business::Business;
use super::ledger::Entry;
use super::{SimulatedPayment, clock};

/// `{"status":"success","data":…}`.
#[derive(Serialize)]
pub(super) struct Success<T> {
    status: &'static str,
    data: T,
}

impl<T> Success<T> {
    pub(super) fn new(data: T) -> Self {
        Self { status: "success", data }
    }
}

/// The data of the answer to the creation of a payment.
#[derive(Serialize)]
pub(super) struct Created<'a> {
    #[serde(rename = "ecommerceId")]
    ecommerce_id: String,
    // The one key that the provider writes in snake case.
    auth_token: &'a str,
}

impl<'a> Created<'a> {
    pub(super) fn new(entry: &'a Entry) -> Self {
        Self { ecommerce_id: entry.payment.ecommerce_id.to_string(), auth_token: &entry.auth_token }
    }
}

/// The data of the answer to a find, and to an authorization.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Find<'a> {
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
    pub(super) fn new(payment: &'a SimulatedPayment, business: &'a Business) -> Self {
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
            sub_total: number(payment.stated_subtotal()),
            tax: number(payment.tax),
            total: number(payment.total),
            fee: noisy(payment.fee.unwrap_or_default()),
            net_amount: number(payment.net_amount.unwrap_or_default()),
            total_refunded_amount: number(payment.refunded_amount),
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
    item: SearchItem<'a>,
    formatted_price: &'static str,
    sku: &'a str,
}

impl<'a> FindItem<'a> {
    fn new(item: &'a Item) -> Self {
        Self { item: SearchItem::new(item), formatted_price: "", sku: &item.sku }
    }
}

/// One transaction of a search, without an envelope and with other spellings than a find.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search<'a> {
    transaction_type: String,
    status: &'a str,
    date: String,
    reference_number: &'a str,
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
    total_refunded_amount: Number,
    metadata1: &'a str,
    metadata2: &'a str,
    items: Vec<SearchItem<'a>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(payment: &'a SimulatedPayment) -> Self {
        let customer = &payment.customer;
        Self {
            transaction_type: transaction_type(&payment.kind),
            status: ecommerce_status(&payment.status),
            date: payment.date.map(|date| format!("{}.0", clock::written(date))).unwrap_or_default(),
            reference_number: payment.reference_number.as_ref().map_or("", |reference| reference.as_str()),
            daily_transaction_id: daily_number(payment).into(),
            name: customer.name.as_deref().unwrap_or_default(),
            phone_number: customer.phone.as_deref().map(phone).unwrap_or_default(),
            email: customer.email.as_deref().unwrap_or_default(),
            message: customer.message.as_deref().unwrap_or_default(),
            total: number(payment.total),
            tax: number(payment.tax),
            subtotal: number(payment.stated_subtotal()),
            fee: number(payment.fee.unwrap_or_default()),
            net_amount: number(payment.net_amount.unwrap_or_default()),
            total_refunded_amount: number(payment.refunded_amount),
            metadata1: &payment.metadata_1,
            metadata2: &payment.metadata_2,
            items: payment.items.iter().map(SearchItem::new).collect(),
        }
    }
}

#[derive(Serialize)]
struct SearchItem<'a> {
    name: &'a str,
    description: &'a str,
    quantity: u32,
    price: Number,
    tax: Number,
    metadata: &'a str,
}

impl<'a> SearchItem<'a> {
    fn new(item: &'a Item) -> Self {
        Self {
            name: &item.name,
            description: &item.description,
            quantity: item.quantity,
            price: number(item.price),
            tax: number(item.tax),
            metadata: &item.metadata,
        }
    }
}

/// The provider says `CANCEL` of an expired payment, too.
fn ecommerce_status(status: &Status) -> &str {
    match status {
        Status::Open => "OPEN",
        Status::Confirmed => "CONFIRM",
        Status::Completed => "COMPLETED",
        Status::Cancelled | Status::Expired => "CANCEL",
        Status::Unknown(word) => word,
        _ => "",
    }
}

fn transaction_type(kind: &TransactionKind) -> String {
    match kind {
        TransactionKind::Unknown(word) => word.clone(),
        kind => kind.to_string().to_ascii_uppercase(),
    }
}

/// The number that search answers where find answers a text such as `0001`.
pub(super) fn daily_number(payment: &SimulatedPayment) -> u64 {
    payment.daily_transaction_id.as_deref().and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// `(787) 555-0142`: the one spelling that search finds and answers.
pub(super) fn phone(digits: &str) -> String {
    match (digits.get(..3), digits.get(3..6), digits.get(6..)) {
        (Some(area), Some(exchange), Some(line)) if line.len() == 4 => format!("({area}) {exchange}-{line}"),
        _ => digits.to_owned(),
    }
}

/// Whole dollars as an integer, cents as a decimal fraction: the provider mixes both.
fn number(amount: Amount) -> Number {
    let (cents, text) = (amount.cents(), amount.to_string());
    if cents % 100 == 0 {
        return Number::from(cents / 100);
    }
    text.parse().ok().and_then(Number::from_f64).unwrap_or_else(|| Number::from(cents / 100))
}

/// The amount after a 32-bit float has held it, as the provider's fees are: 0.60 is `0.6000000238418579`.
fn noisy(amount: Amount) -> Number {
    let float = amount.to_string().parse::<f32>().ok();
    float.and_then(|float| Number::from_f64(float.into())).unwrap_or_else(|| number(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_numbers_and_fees_are_noisy_ones() {
        let text = |number: Number| number.to_string();
        assert_eq!(text(number(Amount::from_cents(2500))), "25");
        assert_eq!(text(number(Amount::from_cents(2786))), "27.86");
        assert_eq!(text(number(Amount::from_cents(150))), "1.5");
        assert_eq!(text(noisy(Amount::from_cents(60))), "0.6000000238418579");
        assert_eq!(text(noisy(Amount::ZERO)), "0.0");
    }

    #[test]
    fn an_expired_payment_is_told_as_a_cancelled_one() {
        assert_eq!(ecommerce_status(&Status::Expired), "CANCEL");
        assert_eq!(ecommerce_status(&Status::Cancelled), "CANCEL");
        assert_eq!(ecommerce_status(&Status::Unknown("HELD".into())), "HELD");
    }

    #[test]
    fn a_phone_is_written_the_way_search_takes_it() {
        assert_eq!(phone("7875550142"), "(787) 555-0142");
        assert_eq!(phone("0"), "0");
        assert_eq!(phone("teléfono"), "teléfono");
    }

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
