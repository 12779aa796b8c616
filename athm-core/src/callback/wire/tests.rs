use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::callback::{Message, ParseError};
use crate::models::{Amount, Customer, Item, Status, TransactionKind};

fn of(value: Value) -> Result<Message, ParseError> {
    Message::parse("application/json", value.to_string().as_bytes())
}

fn of_form(form: &str) -> Result<Message, ParseError> {
    Message::parse("application/x-www-form-urlencoded", form.as_bytes())
}

#[test]
fn every_spelling_of_a_status_is_read() {
    let spellings = [
        (Status::Open, &["OPEN", "open"][..]),
        (Status::Confirmed, &["CONFIRM", "CONFIRMED", "confirm"]),
        (Status::Completed, &["completed", "COMPLETED", "Completed"]),
        (Status::Cancelled, &["cancelled", "CANCELLED", "CANCEL", "cancel", "canceled"]),
        (Status::Expired, &["expired", "EXPIRED"]),
    ];
    for (status, words) in spellings {
        for word in words {
            assert_eq!(of(json!({ "status": word })).unwrap().status(), Some(&status), "{word}");
            assert_eq!(of(json!({ "ecommerceStatus": word })).unwrap().status(), Some(&status), "{word}");
        }
    }
}

#[test]
fn an_unknown_status_or_type_is_kept_and_an_absent_one_is_none() {
    let odd = of(json!({ "status": "ON_HOLD", "transactionType": "Tip" })).unwrap();
    assert_eq!(odd.status(), Some(&Status::Unknown("ON_HOLD".into())));
    assert_eq!(odd.kind(), Some(&TransactionKind::Unknown("Tip".into())));
    for absent in [json!({}), json!({ "status": "" }), json!({ "status": null })] {
        assert_eq!(of(absent).unwrap().status(), None);
    }
}

#[test]
fn a_word_is_read_as_it_is_kept() {
    for (word, status) in [
        ("com\u{0}pleted", Some(Status::Completed)),
        (" \u{7}ON_HOLD\u{7} ", Some(Status::Unknown("ON_HOLD".into()))),
        ("\u{7}", None),
    ] {
        let read = of(json!({ "status": word, "transactionType": word })).unwrap();
        assert_eq!(read.status(), status.as_ref(), "{word:?}");
        let again = serde_json::to_value(&read).unwrap();
        assert_eq!(of(again).unwrap(), read, "{word:?}");
    }
}

#[test]
fn every_spelling_of_an_amount_is_read() {
    for (value, cents) in [
        (json!("3.00"), Some(300)),
        (json!(3), Some(300)),
        (json!(3.0), Some(300)),
        (json!("1.0"), Some(100)),
        (json!(0.6000000238418579), Some(60)),
        (json!("0.05999999865889549"), Some(6)),
        (json!(" 2.50 "), Some(250)),
        (json!(""), None),
        (json!(null), None),
    ] {
        let callback = of(json!({ "total": value, "subTotal": value, "fee": value })).unwrap();
        let expected = cents.map(Amount::from_cents);
        assert_eq!((callback.total(), callback.subtotal(), callback.fee()), (expected, expected, expected), "{value}");
    }
    for name in ["totalRefundedAmount", "totalRefundAmount", "refundedAmount"] {
        assert_eq!(of(json!({ name: "1.00" })).unwrap().refunded_amount(), Some(Amount::from_cents(100)), "{name}");
    }
    assert_eq!(of(json!({ "subtotal": "1.00" })).unwrap().subtotal(), Some(Amount::from_cents(100)));
}

#[test]
fn dates_are_puerto_ricos_time() {
    let expected: Timestamp = "2024-03-09T23:30:05Z".parse().unwrap();
    for (name, value) in [
        ("date", json!("2024-03-09 19:30:05.0")),
        ("transactionDate", json!("2024-03-09 19:30:05")),
        ("date", json!("1710027005")),
        ("date", json!("1710027005000")),
        ("date", json!(1_710_027_005_000_u64)),
    ] {
        assert_eq!(of(json!({ name: value })).unwrap().date(), Some(expected), "{value}");
    }
    assert_eq!(of(json!({ "transactionDate": "", "date": "2024-03-09 19:30:05" })).unwrap().date(), Some(expected));
    for none in ["yesterday", "2024-13-09 19:30:05", "-0030031222", "-003003-12-22 00:00:00"] {
        assert!(of(json!({ "date": none })).is_err(), "{none}");
    }
}

#[test]
fn phones_are_digits_and_zero_is_none() {
    for phone in [json!("7875550123"), json!("(787) 555-0123"), json!(7_875_550_123_u64)] {
        let callback = of(json!({ "phoneNumber": phone })).unwrap();
        assert_eq!(callback.customer().unwrap().phone.as_deref(), Some("7875550123"), "{phone}");
    }
    for none in [json!(0), json!("0"), json!("")] {
        assert_eq!(of(json!({ "phoneNumber": none })).unwrap().customer(), None);
    }
}

#[test]
fn items_come_as_an_array_as_a_string_and_as_jquerys_fields() {
    let item = json!({ "name": "Mug", "price": "12.50", "quantity": "2", "tax": null, "metadata": null });
    let expected = [Item::new("Mug", Amount::from_cents(1250)).quantity(2)];
    assert_eq!(of(json!({ "items": [item] })).unwrap().items(), expected);
    assert_eq!(of(json!({ "items": json!([item]).to_string() })).unwrap().items(), expected);
    let form = "items[0][name]=Mug&items[0][price]=12.50&items[0][quantity]=2&items[0][tax]=";
    assert_eq!(of_form(form).unwrap().items(), expected);
    for none in [
        json!({}),
        json!({ "items": null }),
        json!({ "items": "" }),
        json!({ "items": [] }),
        json!({ "items": "null" }),
    ] {
        assert!(of(none).unwrap().items().is_empty());
    }
}

#[test]
fn an_envelope_is_opened_as_json_and_as_jquerys_fields() {
    let expected = Some(&Status::Completed);
    let envelope = of(json!({ "status": "success", "data": { "ecommerceStatus": "COMPLETED", "total": 2 } })).unwrap();
    assert_eq!((envelope.status(), envelope.total()), (expected, Some(Amount::from_cents(200))));
    let form =
        of_form("status=success&data[ecommerceStatus]=COMPLETED&data%5Btotal%5D=2&data[items][0][name]=Mug").unwrap();
    assert_eq!((form.status(), form.total(), form.items().len()), (expected, Some(Amount::from_cents(200)), 1));
}

#[test]
fn a_byte_order_mark_unknown_fields_and_content_type_parameters_are_nothing() {
    let body = b"\xef\xbb\xbf{\"status\":\"OPEN\",\"isNonProfit\":false,\"whatever\":{\"a\":[1]}}";
    for content_type in ["application/json", "Application/JSON; charset=utf-8", ""] {
        assert_eq!(Message::parse(content_type, body).unwrap().status(), Some(&Status::Open), "{content_type}");
    }
    assert_eq!(Message::parse("", b"status=OPEN").unwrap().status(), Some(&Status::Open));
}

#[test]
fn what_cannot_be_read_names_the_field() {
    let error = |value| of(value).unwrap_err();
    for (value, field, message) in [
        (json!({ "total": "a lot" }), "total", "total: expected an amount of dollars such as 25.00, found \"a lot\""),
        (json!({ "fee": 0.005 }), "fee", "fee: expected whole cents, found \"0.005\""),
        (json!({ "tax": true }), "tax", "tax: expected an amount of dollars such as 25.00, found true"),
        (json!({ "ecommerceId": "7" }), "ecommerceId", "ecommerceId: expected an ecommerceId (a UUID), found \"7\""),
        (json!({ "status": ["x"] }), "status", "status: expected a text, found [\"x\"]"),
        (
            json!({ "date": "yesterday" }),
            "date",
            "date: expected a date such as 2025-05-01 11:02:21, found \"yesterday\"",
        ),
        (json!({ "items": "x" }), "items", "items: expected an array of items, found \"x\""),
        (json!({ "items": [{}, 3] }), "items[1]", "items[1]: expected an item (an object), found 3"),
        (
            json!({ "items": [{ "quantity": 0.5 }] }),
            "items[0].quantity",
            "items[0].quantity: expected a whole number of pieces, found 0.5",
        ),
        (json!({ "data": null }), "data", "data: expected an object with the payment, found null"),
    ] {
        let error = error(value);
        assert_eq!((error.field(), error.to_string().as_str()), (Some(field), message));
    }
    assert_eq!(error(json!([])).to_string(), "expected a JSON object, found an array");
    assert!(matches!(Message::parse("application/json", b"{").unwrap_err(), ParseError::Json(_)));
    assert!(matches!(Message::parse("application/json", b"").unwrap_err(), ParseError::Empty));
    assert!(matches!(Message::parse("text/html", b"{}").unwrap_err(), ParseError::ContentType { .. }));
    let long = of(json!({ "total": "9".repeat(100_000) })).unwrap_err().to_string();
    assert!(long.len() < 200, "{long}");
}

#[test]
fn deep_nesting_is_refused_or_ignored() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(Message::parse("application/json", deep.as_bytes()).unwrap_err(), ParseError::Json(_)));
    let form = format!("a{}=1&status=OPEN", "[b]".repeat(10_000));
    assert_eq!(of_form(&form).unwrap().status(), Some(&Status::Open));
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9ñé&=%+ \"\\[\\]-]{0,11}[a-z0-9]"
}

fn amount() -> impl Strategy<Value = Amount> {
    (0_i64..10_000_000).prop_map(Amount::from_cents)
}

prop_compose! {
    fn item()(name in text(), description in text(), quantity in 0_u32..100, price in amount(), tax in amount(), metadata in text(), sku in text()) -> Item {
        Item { name, description, quantity, price, tax, metadata, sku }
    }
}

prop_compose! {
    fn customer()(name in text(), phone in option::of("[1-9][0-9]{9}"), email in option::of(text()), message in option::of(text())) -> Customer {
        Customer { name: Some(name.trim().to_owned()), phone, email, message }
    }
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Open),
        Just(Status::Confirmed),
        Just(Status::Completed),
        Just(Status::Cancelled),
        Just(Status::Expired),
        "X[A-Z_]{1,8}".prop_map(Status::Unknown),
    ]
}

fn kind() -> impl Strategy<Value = TransactionKind> {
    prop_oneof![
        Just(TransactionKind::Ecommerce),
        Just(TransactionKind::Payment),
        Just(TransactionKind::Donation),
        Just(TransactionKind::Refund),
        Just(TransactionKind::Simulated),
        "X[a-z]{1,8}".prop_map(TransactionKind::Unknown),
    ]
}

prop_compose! {
    fn callback()(
        (kind, status, ecommerce_id, reference) in (option::of(kind()), option::of(status()), option::of(any::<u128>()), option::of("[0-9a-f-]{1,64}")),
        (daily, seconds) in (option::of("[0-9]{1,4}"), option::of(0_i64..4_000_000_000)),
        amounts in (option::of(amount()), option::of(amount()), option::of(amount()), option::of(amount()), option::of(amount()), option::of(amount())),
        metadata in (option::of(text()), option::of(text())),
        items in vec(item(), 0..3),
        customer in option::of(customer()),
    ) -> Message {
        Message {
            kind,
            status,
            ecommerce_id: ecommerce_id.map(|id| uuid::Uuid::from_u128(id).into()),
            reference_number: reference.map(|reference| reference.parse().unwrap()),
            daily_transaction_id: daily,
            date: seconds.map(|seconds| Timestamp::from_second(seconds).unwrap()),
            total: amounts.0,
            subtotal: amounts.1,
            tax: amounts.2,
            fee: amounts.3,
            net_amount: amounts.4,
            refunded_amount: amounts.5,
            metadata_1: metadata.0,
            metadata_2: metadata.1,
            items,
            customer,
        }
    }
}

/// JSON of any shape, under the names that the provider uses.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("status"),
        Just("data"),
        Just("items"),
        Just("total"),
        Just("date"),
        Just("ecommerceId"),
        Just("quantity"),
        Just("phoneNumber"),
        Just("referenceNumber"),
        Just("transactionType"),
        Just("0"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9.eE+-]{1,40}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9])?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name.clone(), inner), 0..8).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_serialised_parses_back_equal(callback in callback()) {
        let json = serde_json::to_vec(&callback).unwrap();
        prop_assert_eq!(&Message::parse("application/json", &json).unwrap(), &callback);
        if callback != Message::default() {
            let form = callback.to_form();
            prop_assert_eq!(&of_form(&form).unwrap(), &callback, "{}", form);
        }
        let envelope = json!({ "status": "success", "data": callback }).to_string();
        prop_assert_eq!(&Message::parse("application/json", envelope.as_bytes()).unwrap(), &callback);
    }

    #[test]
    fn no_bytes_panic(content_type in ".{0,40}", body in vec(any::<u8>(), 0..400)) {
        for content_type in [content_type.as_str(), "application/json", "application/x-www-form-urlencoded", ""] {
            let _ = Message::parse(content_type, &body);
        }
    }

    #[test]
    fn no_json_panics(value in any_json()) {
        let text = value.to_string();
        let _ = Message::parse("application/json", text.as_bytes());
        if let Ok(fields) = Fields::from_value(value) {
            let _ = fields.answer(Timestamp::UNIX_EPOCH);
        }
    }

    #[test]
    fn no_form_panics(form in "(([a-z]{0,5}|items|data)(\\[[a-z0-9]{0,3}\\]){0,8}=?[^&]{0,6}&?){0,6}") {
        let _ = of_form(&form);
    }
}
