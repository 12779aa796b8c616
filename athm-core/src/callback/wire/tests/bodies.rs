//! What the fields may come in.

use super::*;

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
