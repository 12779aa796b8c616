use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
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

#[test]
fn damaged_bytes_are_repaired_in_json_in_forms_and_in_json_within_them() {
    let json: &[u8] = b"{\"status\":\"OPEN\",\"name\":\"Pe\xf1a\",\"metadata1\":\"two\nlines \\ud83c\"}";
    let read = Message::parse("application/json", json).unwrap();
    assert_eq!((read.metadata_1(), read.status()), (Some("two\nlines \u{fffd}"), Some(&Status::Open)));
    assert_eq!(read.customer().unwrap().name.as_deref(), Some("Peña"));
    for (form, name, items) in [
        ("name=Mu%F1oz+%26+hijos&items=[]", "Muñoz & hijos", 0),
        ("name=Mu%C3%B1oz&items=%5B%7B%22name%22%3A%22caf\u{e9}%0Acon+leche+%5Cud83c%22%7D%5D", "Muñoz", 1),
    ] {
        let read = Message::parse("application/x-www-form-urlencoded", form.as_bytes()).unwrap();
        assert_eq!((read.customer().unwrap().name.as_deref(), read.items().len()), (Some(name), items), "{form}");
    }
}

#[test]
fn json_is_json_whatever_type_a_script_gives_it() {
    let json = json!({ "status": "COMPLETED", "referenceNumber": "12-ab", "metadata1": "a&b=c;%41+d" }).to_string();
    let expected = Message::parse("application/json", json.as_bytes()).unwrap();
    let escaped: String = form_urlencoded::byte_serialize(json.as_bytes()).collect();
    for content_type in
        ["application/x-www-form-urlencoded; charset=UTF-8", "text/plain", "Text/Plain;charset=UTF-8", ""]
    {
        for body in [
            &json,
            &format!("\n {json}\r\n"),
            &format!("[{json}]"),
            &json!(json).to_string(),
            &escaped,
            &format!("{escaped}="),
        ] {
            assert_eq!(Message::parse(content_type, body.as_bytes()).unwrap(), expected, "{content_type}: {body}");
        }
        let form = Message::parse(content_type, b"status=COMPLETED&referenceNumber=12-ab").unwrap();
        assert_eq!(form.status(), Some(&Status::Completed), "{content_type}");
    }
    for content_type in ["multipart/form-data; boundary=x", "application/xml", "text/html", "application/octet-stream"]
    {
        let error = Message::parse(content_type, json.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("expected application/json or"), "{error}");
    }
}

#[test]
fn a_payment_is_found_within_what_a_page_wraps_around_it() {
    let payment =
        json!({ "ecommerceStatus": "CANCEL", "ecommerceId": "8f14e45f-ceea-11ee-8c99-0242ac120002", "total": 4 });
    let expected = of(payment.clone()).unwrap();
    assert!(expected.ecommerce_id().is_some());
    let envelope = json!({ "status": "success", "data": payment });
    for wrapped in [
        json!([payment]),
        envelope.clone(),
        json!([envelope]),
        json!({ "status": "success", "data": [payment] }),
        json!({ "status": "success", "data": payment.to_string() }),
        json!({ "status": "success", "data": json!([payment]).to_string() }),
        json!({ "order": 17, "response": envelope }),
        json!({ "cart": { "total": 3, "metadata1": "x" }, "result": envelope, "ok": true }),
        json!({ "total": 4, "metadata1": "order-7", "payment": payment }),
        json!({ "orderId": "o-1", "athm": payment }),
        json!({ "orderId": "o-1", "athm": envelope.to_string() }),
        json!({ "orderId": "o-1", "athm": [envelope] }),
        json!({ "status": "success", "message": "", "body": { "data": payment.to_string() } }),
    ] {
        assert_eq!(of(wrapped.clone()).unwrap(), expected, "{wrapped}");
    }
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("data", &payment.to_string()).finish();
    assert_eq!(of_form(&form).unwrap(), expected);
    let form = "orderId=7&response[status]=success&response[data][ecommerceStatus]=CANCEL\
                &response[data][ecommerceId]=8f14e45f-ceea-11ee-8c99-0242ac120002&response[data][total]=4";
    assert_eq!(of_form(form).unwrap(), expected);
}

#[test]
fn what_a_payment_carries_besides_is_not_taken_for_the_payment() {
    let outer = json!({ "status": "OPEN", "referenceNumber": "12-ab" });
    let expected = of(outer.clone()).unwrap();
    for (name, value) in [
        ("original", json!({ "referenceNumber": "99-zz", "status": "COMPLETED" })),
        ("data", json!({ "utm": "spring" })),
        ("data", json!("utm=spring")),
        ("data", json!({ "total": 5, "metadata1": "x" })),
        ("extra", json!([{ "status": "COMPLETED" }])),
        ("unknown", json!("{\"ecommerceStatus\":\"COMPLETED\"}")),
    ] {
        let mut message = outer.clone();
        message[name] = value.clone();
        assert_eq!(of(message).unwrap(), expected, "{name} {value}");
    }
    // A text of the merchant's or the customer's is a text, whatever it says.
    let text = outer.to_string();
    let read = of(json!({ "status": "EXPIRED", "metadata1": text, "message": text })).unwrap();
    assert_eq!(
        (read.status(), read.metadata_1(), read.reference_number()),
        (Some(&Status::Expired), Some(&*text), None)
    );
    // Two levels deep is not searched.
    assert_eq!(of(json!({ "a": { "b": outer } })).unwrap(), Message::default());
    for none in [json!([outer, outer]), json!("status"), json!(7), json!(null)] {
        assert!(matches!(of(none).unwrap_err(), ParseError::NotAnObject { .. }));
    }
}

#[test]
fn phps_lists_are_read_with_numbers_and_without() {
    let expected =
        [Item::new("Mug", Amount::from_cents(1250)).quantity(2), Item::new("Pen", Amount::from_cents(99)).sku("P")];
    for form in [
        "items[0][name]=Mug&items[0][price]=12.5&items[0][quantity]=2&items[1][name]=Pen&items[1][price]=.99&items[1][sku]=P",
        "items[][name]=Mug&items[][price]=12.5&items[][quantity]=2&items[][name]=Pen&items[][price]=0.99&items[][sku]=P",
        "items%5B%5D%5Bname%5D=Mug&items%5B%5D%5Bprice%5D=12.5&items%5B%5D%5Bquantity%5D=2&items%5B%5D%5Bname%5D=Pen\
         &items%5B%5D%5Bprice%5D=0.99&items%5B%5D%5Bsku%5D=P",
        "data[items][][name]=Mug&data[items][][price]=12.5&data[items][][quantity]=2&data[items][][name]=Pen\
         &data[items][][price]=0.99&data[items][][sku]=P&status=success",
        "items[3][name]=Mug&items[3][price]=12.5&items[3][quantity]=2&items[][name]=Pen&items[][price]=0.99&items[][sku]=P",
    ] {
        assert_eq!(of_form(form).unwrap().items(), expected, "{form}");
    }
    let many: String = (0..12).map(|n| format!("&items[][name]={n}&items[][price]={n}")).collect();
    let names: Vec<_> = of_form(&many).unwrap().items().iter().map(|item| item.name.clone()).collect();
    assert_eq!(names, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
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
        if let Ok(fields) = Fields::of_answer(value) {
            let _ = fields.answer(Timestamp::UNIX_EPOCH);
        }
    }

    #[test]
    fn no_form_panics(form in "(([a-z]{0,5}|items|data)(\\[[a-z0-9]{0,3}\\]){0,8}=?[^&]{0,6}&?){0,6}") {
        let _ = of_form(&form);
    }
}
