//! What each field may be.

use jiff::Timestamp;

use super::*;

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
        ("date", json!("2024/03/09 19:30:05.0")),
        ("date", json!("2024/03/09 19:30:05")),
        ("date", json!("2024-03-09T19:30:05")),
        ("transactionDate", json!("2024-03-09T23:30:05Z")),
        ("transactionDate", json!("2024-03-09T23:30:05.000Z")),
        ("transactionDate", json!("2024-03-10T00:30:05+01:00")),
        ("transactionDate", json!("2024-03-09T19:30:05.000-0400")),
        ("transactionDate", json!("2024-03-09 19:30:05-04")),
        ("transactionDate", json!("2024-03-09 19:30:05 -0400")),
        ("transactionDate", json!("2024/03/09 23:30:05 +00:00")),
        ("date", json!("2024-03-09 23:30:05 UTC")),
        ("date", json!("2024-03-09T19:30:05-04:00[America/Puerto_Rico]")),
    ] {
        assert_eq!(of(json!({ name: value })).unwrap().date(), Some(expected), "{value}");
    }
    assert_eq!(of(json!({ "transactionDate": "", "date": "2024-03-09 19:30:05" })).unwrap().date(), Some(expected));
    for none in [
        "yesterday",
        "2024-13-09 19:30:05",
        "-0030031222",
        "-003003-12-22 00:00:00",
        "-003003-12-22T00:00:00Z",
        "03/09/2024 19:30:05",
        // Another zone than Puerto Rico's that can't be read is no reason to take it for Puerto Rico's.
        "2024-03-09 19:30:05 EST",
        "2024-03-09T19:30:05+99:00",
        "2024-03-09T19:30:05[America/New_York]",
        "20240309T193005[America/New_York]",
    ] {
        assert_eq!(of(json!({ "date": none, "status": "OPEN" })).unwrap().date(), None, "{none}");
    }
}

#[test]
fn phones_are_digits_and_zero_is_none() {
    for phone in [
        json!("7875550123"),
        json!("(787) 555-0123"),
        json!(7_875_550_123_u64),
        json!("17875550123"),
        json!("+1 787 555 0123"),
        json!(17_875_550_123_u64),
    ] {
        let callback = of(json!({ "phoneNumber": phone })).unwrap();
        assert_eq!(callback.customer().unwrap().phone.as_deref(), Some("7875550123"), "{phone}");
    }
    for none in [json!(0), json!("0"), json!(""), json!("undefined"), json!(" N/A ")] {
        assert_eq!(of(json!({ "phoneNumber": none })).unwrap().customer(), None);
    }
}

#[test]
fn only_identifiers_kind_and_status_can_refuse_a_message_and_the_field_is_named() {
    let error = |value| of(value).unwrap_err();
    for (value, field, message) in [
        (json!({ "ecommerceId": "7" }), "ecommerceId", "ecommerceId: expected an ecommerceId (a UUID), found \"7\""),
        (json!({ "ecommerceId": true }), "ecommerceId", "ecommerceId: expected a text, found true"),
        (
            json!({ "referenceNumber": "a b" }),
            "referenceNumber",
            "referenceNumber: expected a reference number (1 to 64 printable ASCII characters), found \"a b\"",
        ),
        (json!({ "status": ["x"] }), "status", "status: expected a text, found [\"x\"]"),
        (json!({ "transactionType": {} }), "transactionType", "transactionType: expected a text, found {}"),
    ] {
        let error = error(value);
        assert_eq!((error.field(), error.to_string().as_str()), (Some(field), message));
    }
    assert_eq!(error(json!([])).to_string(), "expected a JSON object, found an array");
    assert!(matches!(Message::parse("application/json", b"{").unwrap_err(), ParseError::Json(_)));
    assert!(matches!(Message::parse("application/json", b"").unwrap_err(), ParseError::Empty));
    assert!(matches!(Message::parse("text/html", b"{}").unwrap_err(), ParseError::ContentType { .. }));
    let long = of(json!({ "ecommerceId": "9".repeat(100_000) })).unwrap_err().to_string();
    assert!(long.len() < 200, "{long}");
}

#[test]
fn what_describes_is_left_out_alone_when_it_cannot_be_read() {
    let whole = json!({
        "status": "COMPLETED", "referenceNumber": "12-ab", "dailyTransactionId": "7", "date": "2025-05-01 11:02:21",
        "total": "9.00", "subTotal": "8.00", "tax": "1.00", "fee": "0.50", "netAmount": "8.50",
        "totalRefundedAmount": "2.00", "metadata1": "order-7", "metadata2": "web", "name": "Inés", "email": "i@example.com",
        "phoneNumber": "7875550123", "message": "thanks", "items": [{ "name": "Mug" }],
    });
    let expected = of(whole.clone()).unwrap();
    for (name, value) in [
        ("dailyTransactionId", json!([7])),
        ("date", json!("soon")),
        ("total", json!("a lot")),
        ("total", json!(9.005)),
        ("subTotal", json!({})),
        ("tax", json!(true)),
        ("fee", json!("half a dollar")),
        ("netAmount", json!([])),
        ("totalRefundedAmount", json!("?")),
        ("metadata1", json!({ "order": 7 })),
        ("metadata2", json!(false)),
        ("name", json!(["Inés"])),
        ("email", json!({})),
        ("phoneNumber", json!(true)),
        ("message", json!([])),
        ("items", json!("Mug")),
        ("items", json!(1)),
        ("data", json!(17)),
    ] {
        let mut odd = whole.clone();
        odd[name] = value.clone();
        let read = of(odd.clone()).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
        odd.as_object_mut().unwrap().remove(name);
        assert_eq!(read, of(odd).unwrap(), "{name} {value}");
        assert_eq!(read == expected, name == "data", "{name} {value}");
    }
}

#[test]
fn words_for_nothing_are_nothing_but_in_the_merchants_own_texts() {
    for nothing in ["null", "undefined", "N/A", "n/a", "None", "NULL", " undefined ", ""] {
        let mut message = json!({ "metadata1": nothing, "metadata2": nothing, "items": [{ "name": nothing, "price": nothing, "quantity": nothing }] });
        for name in [
            "transactionType",
            "status",
            "ecommerceId",
            "referenceNumber",
            "dailyTransactionId",
            "date",
            "total",
            "subTotal",
            "tax",
            "fee",
            "netAmount",
            "totalRefundedAmount",
            "phoneNumber",
            "email",
        ] {
            message[name] = json!(nothing);
        }
        let form: Vec<_> = message.as_object().unwrap().iter().filter(|(name, _)| *name != "items").collect();
        let form =
            form.into_iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect::<Vec<_>>();
        let items = vec![Item::new(if nothing.is_empty() { "" } else { nothing }, Amount::ZERO)];
        let kept = Some(nothing.to_owned()).filter(|text| !text.is_empty());
        let expected = Message { metadata_1: kept.clone(), metadata_2: kept, ..Message::default() };
        assert_eq!(of_form(&form.join("&")).unwrap(), expected, "{nothing:?}");
        assert_eq!(of(message).unwrap(), Message { items, ..expected }, "{nothing:?}");
    }
    // The other name of a field may have what the first one lacks.
    let read =
        of(json!({ "ecommerceStatus": "undefined", "status": "COMPLETED", "subTotal": "N/A", "subtotal": 2 })).unwrap();
    assert_eq!((read.status(), read.subtotal()), (Some(&Status::Completed), Some(Amount::from_cents(200))));
}

#[test]
fn what_describes_is_rounded_half_to_even_and_the_total_never() {
    for (value, cents) in [
        (json!(10.125), 1012),
        (json!(10.375), 1038),
        (json!("3.335"), 334),
        (json!("3.345"), 334),
        (json!("0.005"), 0),
        (json!("7.4999999"), 750),
        (json!(6.666666666666667), 667),
        (json!("2.0050000000000000000000000001"), 201),
        (json!(0.05999999865889549), 6),
        (json!("1e-3"), 0),
    ] {
        let read = of(json!({ "tax": value, "subTotal": value, "items": [{ "price": value, "tax": value }] })).unwrap();
        let expected = Amount::from_cents(cents);
        assert_eq!((read.tax(), read.subtotal()), (Some(expected), Some(expected)), "{value}");
        assert_eq!((read.items()[0].price, read.items()[0].tax), (expected, expected), "{value}");
    }
    for (value, cents) in [(json!(0.6000000238418579), Some(60)), (json!("10.125"), None), (json!(3.3333), None)] {
        let read = of(json!({ "total": value, "totalRefundedAmount": value })).unwrap();
        let expected = cents.map(Amount::from_cents);
        assert_eq!((read.total(), read.refunded_amount()), (expected, expected), "{value}");
    }
}

#[test]
fn quantities_are_decimals() {
    for (value, quantity) in [
        (json!(3), "3"),
        (json!("2.00"), "2"),
        (json!(0.125), "0.125"),
        (json!("1.50"), "1.5"),
        (json!(0), "0"),
        (json!(""), "1"),
        (json!("4294967296"), "4294967296"),
    ] {
        let read = of(json!({ "items": [{ "name": "Cheese", "quantity": value }] })).unwrap();
        assert_eq!(read.items()[0].quantity.to_string(), quantity, "{value}");
        assert_eq!(of(serde_json::to_value(&read).unwrap()).unwrap(), read);
    }
    for odd in [json!(-1), json!("a dozen"), json!([1]), json!("9".repeat(40))] {
        assert!(of(json!({ "items": [{ "quantity": odd }] })).unwrap().items().is_empty(), "{odd}");
    }
}

#[test]
fn an_odd_item_is_left_out_alone() {
    let items = json!([
        { "name": "Mug" }, 3, { "name": "Pen", "price": "free" }, null, { "name": ["Hat"] }, { "name": "Cap", "quantity": -2 },
        { "name": "Bag" },
    ]);
    let names = |read: &Message| read.items().iter().map(|item| item.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&of(json!({ "items": items })).unwrap()), ["Mug", "Bag"]);
    assert_eq!(names(&of(json!({ "items": items.to_string() })).unwrap()), ["Mug", "Bag"]);
    let form = "items[0][name]=Mug&items[1][name]=Pen&items[1][price]=free&items[2]=x&items[3][name]=Bag";
    assert_eq!(names(&of_form(form).unwrap()), ["Mug", "Bag"]);
}

#[test]
fn amounts_of_refunds_have_no_sign_and_those_of_payments_keep_theirs() {
    let amounts = json!({ "total": "-4.50", "subTotal": "-4.00", "tax": "-0.50", "totalRefundedAmount": -4.5 });
    let amounts_of = |kind: &str| {
        let mut message = amounts.clone();
        message["transactionType"] = json!(kind);
        let read = of(message).unwrap();
        [read.total(), read.subtotal(), read.tax(), read.refunded_amount()].map(|amount| amount.unwrap().cents())
    };
    assert_eq!(amounts_of("Refund"), [450, 400, 50, 450]);
    assert_eq!(amounts_of("ECOMMERCE"), [-450, -400, -50, 450]);
    let listed = json!({ "transactionType": "REFUND", "status": "COMPLETED", "total": "-4.50" });
    let listed = Fields::of_answer(listed).unwrap().answer(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(listed.total(), Amount::from_cents(450));
    assert_eq!(crate::models::RefundDetail::of(&listed).amount, Amount::from_cents(450));
}
