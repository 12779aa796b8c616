//! Every shape and spelling that a message has been seen in, one file each.

use std::path::PathBuf;

use athm_core::{Amount, Message, Status, TransactionKind};

fn fixture(name: &str) -> Message {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/callbacks").join(name);
    let body = std::fs::read(&path).unwrap();
    let content_type = if name.ends_with(".form") { "application/x-www-form-urlencoded" } else { "application/json" };
    Message::parse(content_type, &body).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn cents(amount: Option<Amount>) -> Option<i64> {
    amount.map(Amount::cents)
}

const AUTH_TOKEN: &str = "5d0c2f3a-9b1e-11ef-8a6b-0242ac120003";

#[test]
fn every_fixture_parses_to_the_same_order() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/callbacks");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let callback = fixture(&name);
        let has_order = !["payment", "donation", "refund.json", "form"].iter().any(|word| name.contains(word));
        if has_order {
            assert_eq!(callback.metadata_1(), Some("orden-1042"), "{name}");
        }
        let parsed = Message::parse("application/json", &serde_json::to_vec(&callback).unwrap()).unwrap();
        assert_eq!(parsed, callback, "{name}");
        read += 1;
    }
    assert!(read >= 30, "only {read} fixtures were read");
}

#[test]
fn the_v4_envelope_carries_ecommerce_id_and_reference() {
    let callback = fixture("v4_envelope_completed.json");
    assert_eq!(callback.status(), Some(&Status::Completed));
    assert_eq!(callback.ecommerce_id().unwrap().to_string(), AUTH_TOKEN);
    assert_eq!(callback.reference_number().unwrap().as_str(), "310442871-9f2c64be11d84a0c8e57a3b6d2f0174c");
    assert_eq!(callback.daily_transaction_id(), Some("0042"));
    assert_eq!((cents(callback.total()), cents(callback.fee())), (Some(3234), Some(85)));
    assert_eq!((cents(callback.subtotal()), cents(callback.tax())), (Some(2900), Some(334)));
    assert_eq!(callback.date().unwrap().to_string(), "2024-11-05T13:41:27Z");
    assert_eq!(callback.items()[0].quantity, 2.into());
}

#[test]
fn each_state_of_the_v4_envelope_is_read() {
    for (name, status) in [
        ("v4_envelope_cancel.json", Status::Cancelled),
        ("v4_envelope_expired.json", Status::Expired),
        ("v4_envelope_confirm.json", Status::Confirmed),
        ("v4_envelope_open_with_null_items.json", Status::Open),
    ] {
        let callback = fixture(name);
        assert_eq!(callback.status(), Some(&status), "{name}");
        assert_eq!((callback.reference_number(), callback.date()), (None, None), "{name}");
    }
}

#[test]
fn the_older_scripts_post_forms_and_flat_objects() {
    for name in ["v3_form_completed_items_as_json_string.form", "v3_flat_completed.json"] {
        let callback = fixture(name);
        assert_eq!(callback.status(), Some(&Status::Completed), "{name}");
        assert_eq!((callback.ecommerce_id(), callback.kind()), (None, None), "{name}");
        assert_eq!(callback.reference_number().unwrap().as_str(), "b7d5511e0c6f4a92-k3", "{name}");
        assert_eq!(cents(callback.total()), Some(3234), "{name}");
        assert_eq!(callback.items()[0].name, "Café Yauco", "{name}");
        assert_eq!(callback.customer().unwrap().name.as_deref(), Some("Marisol Vega"), "{name}");
    }
    assert_eq!(cents(fixture("v2_flat_refunded_amount.json").refunded_amount()), Some(500));
}

#[test]
fn a_message_without_a_status_states_none() {
    assert_eq!(fixture("v2_form_without_status.form").status(), None);
}

#[test]
fn jquery_spreads_the_envelope_over_the_form() {
    let callback = fixture("jquery_form_of_the_v4_envelope.form");
    assert_eq!(callback, fixture("v4_envelope_completed.json"));
}

#[test]
fn the_webhooks_of_2020_have_no_ecommerce_id() {
    for (name, kind, status) in [
        ("webhook_2020_ecommerce_completed.json", TransactionKind::Ecommerce, Status::Completed),
        ("webhook_2020_ecommerce_cancelled.json", TransactionKind::Ecommerce, Status::Cancelled),
        ("webhook_2020_ecommerce_expired.json", TransactionKind::Ecommerce, Status::Expired),
        ("webhook_2020_payment.json", TransactionKind::Payment, Status::Completed),
        ("webhook_2020_donation.json", TransactionKind::Donation, Status::Completed),
        ("webhook_2020_refund.json", TransactionKind::Refund, Status::Completed),
        ("webhook_2020_simulated.json", TransactionKind::Simulated, Status::Completed),
    ] {
        let callback = fixture(name);
        assert_eq!((callback.kind(), callback.status()), (Some(&kind), Some(&status)), "{name}");
        assert_eq!(callback.ecommerce_id(), None, "{name}");
        let has_moved_money = status == Status::Completed;
        assert_eq!(callback.reference_number().is_some(), has_moved_money, "{name}");
    }
}

#[test]
fn todays_webhooks_have_an_ecommerce_id() {
    for (name, status) in [
        ("webhook_v4_completed.json", Status::Completed),
        ("webhook_v4_cancel.json", Status::Cancelled),
        ("webhook_v4_expired_as_plausible.json", Status::Expired),
        ("webhook_v4_mixed_case_type_and_unknown_status.json", Status::Unknown("ON_HOLD".into())),
    ] {
        let callback = fixture(name);
        assert_eq!((callback.kind(), callback.status()), (Some(&TransactionKind::Ecommerce), Some(&status)), "{name}");
        assert_eq!(callback.ecommerce_id().unwrap().to_string(), AUTH_TOKEN, "{name}");
        assert_eq!(callback.customer(), None, "{name}");
    }
}

#[test]
fn each_quirk_parses_like_the_plain_event() {
    let plain = fixture("webhook_v4_completed.json");
    for name in [
        "reference_padded_with_a_blank.json",
        "amounts_with_float_noise.json",
        "byte_order_mark.json",
        "date_as_an_epoch.json",
    ] {
        assert_eq!(fixture(name), plain, "{name}");
    }
    for name in ["phone_as_a_number.json", "phone_with_brackets.json"] {
        assert_eq!(fixture(name).customer().unwrap().phone.as_deref(), Some("7875550142"), "{name}");
    }
    assert_eq!(fixture("phone_as_a_number.json").customer().unwrap().name.as_deref(), Some("Marisol Vega"));
    assert_eq!(fixture("daily_id_as_a_number.json").daily_transaction_id(), Some("42"));
    assert_eq!(cents(fixture("report_spelling_of_the_refunded_amount.json").refunded_amount()), Some(500));
    assert!(fixture("items_key_absent.json").items().is_empty());
    let item = fixture("item_with_nulls_and_numbers_as_strings.json").items()[0].clone();
    assert_eq!((item.quantity, item.price, item.tax), (3.into(), Amount::from_cents(225), Amount::ZERO));
    assert_eq!(fixture("metadata_that_looks_like_a_form.json").metadata_2(), Some("ñandú 100%"));
}

#[test]
fn the_debug_of_a_message_shows_nothing_personal() {
    let shown = format!("{:?}", fixture("webhook_2020_ecommerce_completed.json"));
    for personal in ["Marisol", "7875550142", "example.net"] {
        assert!(!shown.contains(personal), "{shown}");
    }
}
