//! What holds for any message.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9ñé&=%+ \"\\[\\]-]{0,11}[a-z0-9]"
}

fn amount() -> impl Strategy<Value = Amount> {
    (0_i64..10_000_000).prop_map(Amount::from_cents)
}

prop_compose! {
    fn item()(name in text(), description in text(), quantity in (0_i64..100_000, 0_u32..4), price in amount(), tax in amount(), metadata in text(), sku in text()) -> Item {
        Item { name, description, quantity: Decimal::new(quantity.0, quantity.1).normalize(), price, tax, metadata, sku }
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
    fn message()(
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
    fn what_is_serialised_parses_back_equal(message in message()) {
        let json = serde_json::to_vec(&message).unwrap();
        prop_assert_eq!(&Message::parse("application/json", &json).unwrap(), &message);
        if message != Message::default() {
            let form = message.to_form();
            prop_assert_eq!(&of_form(&form).unwrap(), &message, "{}", form);
        }
        let envelope = json!({ "status": "success", "data": message }).to_string();
        prop_assert_eq!(&Message::parse("application/json", envelope.as_bytes()).unwrap(), &message);
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
        if let Ok(fields) = Fields::of_answer(value) {
            let _ = fields.answer(Timestamp::UNIX_EPOCH);
        }
    }

    #[test]
    fn no_form_panics(form in "(([a-z]{0,5}|items|data)(\\[[a-z0-9]{0,3}\\]){0,8}=?[^&]{0,6}&?){0,6}") {
        let _ = of_form(&form);
    }
}
