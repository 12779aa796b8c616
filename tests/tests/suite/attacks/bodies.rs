//! Bodies that are made to cost.

use std::fmt::Write;

use athm_tests::ecommerce_id;
use serde_json::json;

use super::{Target, result};

const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

/// A request's head, and the bytes of its body that are sent.
fn request(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST /athm/callback HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n{headers}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_body_of_ten_megabytes_with_a_length_is_refused_before_it_is_read() {
    let target = Target::open().await;
    let headers = format!("content-type: application/json\r\ncontent-length: {TEN_MEGABYTES}");
    let answer = target.server.raw(&request(&headers, b"{\"total\": ")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let whole = target.server.raw(&request(&headers, &vec![b' '; TEN_MEGABYTES])).await;
    // The service hangs up in the middle: its answer may be lost on the way, but nothing else happens.
    assert!(whole.is_empty() || whole.starts_with("HTTP/1.1 413"), "{whole}");
    target.is_as_good_as_before().await;
}

#[tokio::test]
async fn a_body_of_ten_megabytes_without_a_length_is_refused_at_the_limit() {
    let target = Target::open().await;
    let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
    // A little more than the limit, and never an end.
    let answer = target.server.unfinished(&request("transfer-encoding: chunked", &chunk.repeat(257))).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("longer than 1048576 bytes"), "{answer}");
    target.is_as_good_as_before().await;
}

#[tokio::test]
async fn json_nested_to_the_body_limit_is_unreadable() {
    let target = Target::open().await;
    let id = ecommerce_id(1);
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = format!("{}1{}", "{\"a\":".repeat(40_000), "}".repeat(40_000));
    for body in [
        format!("{{\"ecommerceId\":\"{id}\",\"items\":{}}}", deep(100_000)),
        format!("{{\"ecommerceId\":\"{id}\",\"nothing\":{}}}", deep(100_000)),
        format!("{{\"data\":{objects}}}"),
        objects,
        "[".repeat(200_000),
        "{\"data\":".repeat(30_000),
    ] {
        let request = target.server.post("/athm/callback").header("content-type", "application/json").body(body);
        let (status, answer) = target.server.answer(request).await;
        assert_eq!((status, &answer["error"]), (400, &json!("unreadable")), "{answer}");
    }
    assert!(target.fixture.simulator.requests().is_empty());
    // Items that can't be read are left out.
    let items = json!({ "ecommerceId": id, "items": deep(100_000), "data": "{\"data\":".repeat(30_000) });
    assert_eq!(target.callback(items).await, result(422, "refused"));
    target.is_as_good_as_before().await;
}

#[tokio::test]
async fn forms_of_a_hundred_thousand_fields_are_read_or_refused() {
    let target = Target::open().await;
    let id = ecommerce_id(1);
    let many = |each: &dyn Fn(usize) -> String, most: usize| {
        let mut form = format!("ecommerceId={id}");
        for field in (0..most).map(each) {
            write!(form, "&{field}").unwrap();
        }
        form.truncate(1_048_576);
        form
    };
    for (name, form) in [
        ("empty fields", "&".repeat(1_048_576 - 60) + &format!("ecommerceId={id}")),
        ("fields", many(&|n| format!("{n}"), 100_000)),
        ("one name", many(&|_| String::from("a=1"), 250_000)),
        ("items", many(&|n| format!("items[{n}][name]=x"), 50_000)),
        ("items without a number", many(&|_| String::from("items[][name]=x"), 65_000)),
        ("items of one field more each", many(&|n| format!("items[][a{n}]=x"), 60_000)),
        ("items[0] in between", many(&|n| format!("items[][name]=x&items[{n}][name]=x"), 25_000)),
        ("items without a name", many(&|n| format!("items[{n}]"), 20_000)),
        ("nested names", many(&|n| format!("a[{n}][b][c][d][e]=1"), 12_000)),
        ("one long name", format!("ecommerceId={id}&a{}=1", "[b]".repeat(300_000))),
        ("brackets", format!("ecommerceId={id}&{}=1", "[".repeat(1_000_000))),
        ("names of one hash", many(&|n| format!("{}{}=", ["Aa", "BB"][n % 2], n / 2), 25_000)),
        ("a field and its fields", many(&|n| format!("items=1&items[{n}]=2&items[{n}][a]=3"), 5_000)),
        (
            "JavaScript's prototype",
            format!("ecommerceId={id}&__proto__[status]=COMPLETED&constructor[prototype][status]=COMPLETED"),
        ),
        ("percent signs", format!("ecommerceId={id}&a={}", "%".repeat(200_000))),
    ] {
        let (status, answer) = target.server.form("/athm/callback", form).await;
        assert!([400, 422, 202].contains(&status), "{name}: {status} {answer}");
    }
    assert_eq!(target.rows().await, 0);
    target.is_as_good_as_before().await;
}

#[tokio::test]
async fn huge_numbers_are_left_out() {
    let target = Target::open().await;
    let digits = "9".repeat(200_000);
    for number in [
        "1e999999",
        "-1e999999",
        "1e-999999",
        "1e4294967295",
        "1.5e-4294967295",
        "1e28",
        "9223372036854775807",
        "NaN",
        "Infinity",
        "0x19",
        "१२",
        "25,00",
        "25.00.00",
        "25.005",
        "1e",
        "e1",
        "--1",
        &digits,
    ] {
        let form = format!("status=COMPLETED&total={number}&tax={number}&items[0][quantity]={number}");
        // What is left names no payment.
        assert_eq!(target.server.form("/athm/callback", form).await, result(200, "known"), "{number:.40}");
    }
    for number in ["1e999999", "1E400", "-1e309"] {
        let body = format!("{{\"ecommerceId\":\"{}\",\"total\":{number}}}", ecommerce_id(1));
        let request = target.server.post("/athm/callback").header("content-type", "application/json").body(body);
        assert_eq!(target.server.answer(request).await.0, 400, "{number}");
    }
    assert!(target.fixture.simulator.requests().is_empty());
    target.is_as_good_as_before().await;
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_read_as_latin_1() {
    let target = Target::open().await;
    let id = target.opened();
    let json = |text: &[u8]| {
        [b"{\"ecommerceId\":\"".as_slice(), id.to_string().as_bytes(), b"\",\"metadata1\":\"", text, b"\"}"].concat()
    };
    for text in [b"\xff\xfe".as_slice(), b"\\ud800", b"\x00", b"\\u0000", b"\xed\xa0\x80"] {
        let request = target.server.post("/athm/callback").header("content-type", "application/json").body(json(text));
        assert_eq!(target.server.answer(request).await, result(200, "known"), "{}", text.escape_ascii());
    }
    for damaged in [b"\"".as_slice(), b"\\", b"\\x", b"\\ud8", b"\",\xff,\""] {
        let request =
            target.server.post("/athm/callback").header("content-type", "application/json").body(json(damaged));
        assert_eq!(target.server.answer(request).await.0, 400, "{}", damaged.escape_ascii());
    }
    let form = format!("ecommerceId={id}&status=%00%FF%FE&metadata1=%ED%A0%80&a\u{0}b=\u{0}");
    assert_eq!(target.server.form("/athm/callback", form).await, result(200, "known"));
    let form = format!("ecommerceId={id}&status=COMPLETED&metadata1=%00&a\u{0}b=\u{0}");
    assert_eq!(target.server.form("/athm/callback", form).await, result(202, "pending"));
    assert_eq!(target.server.form("/athm/callback", "status=%00&metadata1=%00\u{0}").await, result(200, "known"));
    target.is_as_good_as_before().await;
}

#[tokio::test]
async fn a_compressed_body_is_not_decompressed() {
    let target = Target::open().await;
    // 50 KiB of blanks, as gzip writes them; a bomb is the same thing, a thousand times larger.
    let bomb: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a\x00";
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip, gzip"] {
        let request = target.server.post("/athm/callback").header("content-type", "application/json");
        let request = request.header("content-encoding", encoding).body(bomb);
        assert_eq!(target.server.answer(request).await.0, 415, "{encoding}");
    }
    target.is_as_good_as_before().await;
}
