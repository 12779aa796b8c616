//! The page of a checkout: what a stranger, another site or a customer posts there opens no payment that it shouldn't.

use std::time::Duration;

use athm_actix::checkouts::{Checkout, NewCheckout};
use athm_core::Amount;
use athm_tests::TestServer;
use reqwest::Response;

use super::Target;

const PHONE: &str = "787-555-0199";

async fn offer(target: &Target) -> Checkout {
    target.fixture.athm.checkout(NewCheckout::new(Amount::from_cents(2500), "order-7")).await.unwrap()
}

fn path(checkout: &Checkout, route: &str) -> String {
    format!("/athm/checkout/{}{route}", checkout.id())
}

fn form(checkout: &Checkout, attempts: u32) -> Vec<(&'static str, String)> {
    let token = checkout.form_token().to_owned();
    vec![("token", token), ("attempts", attempts.to_string()), ("phone", PHONE.to_owned())]
}

async fn post(target: &Target, path: &str, form: &[(&'static str, String)]) -> Response {
    target.server.post_fields(path, form).send().await.unwrap()
}

/// How many payments the provider was asked to open.
fn opened(target: &Target) -> usize {
    target.fixture.request_count("/payment")
}

#[tokio::test]
async fn guessed_ids_are_answered_like_one_another() {
    let target = Target::open().await;
    let checkout = offer(&target).await;
    let mut near = checkout.id().to_string();
    let last = if near.pop() == Some('0') { '1' } else { '0' };
    near.push(last);
    let upper = checkout.id().to_string().to_uppercase().replace(|c: char| c.is_ascii_digit(), "A");
    let ids = ["0".repeat(32), "f".repeat(32), near, upper, String::from("7"), String::from("..%2f..%2fetc")];
    let mut answers = Vec::new();
    for id in &ids {
        let answer = target.server.get(&format!("/athm/checkout/{id}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{id}");
        answers.push(answer.text().await.unwrap());
        for route in ["pay", "phone", "cancel"] {
            let answer = post(&target, &format!("/athm/checkout/{id}/{route}"), &form(&checkout, 0)).await;
            assert_eq!(answer.status(), 404, "{id}/{route}");
        }
        let events = target.server.get(&format!("/athm/checkout/{id}/events")).send().await.unwrap();
        assert_eq!(events.status(), 404, "{id}");
    }
    answers.dedup();
    assert_eq!((answers.len(), opened(&target)), (1, 0));
}

#[tokio::test]
async fn a_page_of_another_origin_posts_nothing() {
    let target = Target::open().await;
    let checkout = offer(&target).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for route in ["/pay", "/phone", "/cancel"] {
            let request = target.server.post_fields(&path(&checkout, route), &form(&checkout, 0)).header(name, value);
            assert_eq!(request.send().await.unwrap().status(), 403, "{name}: {value} {route}");
        }
    }
    assert_eq!((opened(&target), checkout.state().as_str()), (0, "ready"));
}

#[tokio::test]
async fn a_form_without_the_pages_own_token_changes_nothing() {
    let target = Target::open().await;
    let (checkout, other) = (offer(&target).await, offer(&target).await);
    let of_another = other.form_token().to_owned();
    for token in [String::new(), String::from("0"), of_another, checkout.id().to_string()] {
        for route in ["/pay", "/phone", "/cancel"] {
            let forged = [("token", token.clone()), ("phone", PHONE.to_owned())];
            assert_eq!(post(&target, &path(&checkout, route), &forged).await.status(), 403);
        }
    }
    assert_eq!(opened(&target), 0);
}

#[tokio::test]
async fn a_form_that_is_posted_again_opens_no_second_payment() {
    let target = Target::open().await;
    let checkout = offer(&target).await;
    for _ in 0..3 {
        assert_eq!(post(&target, &path(&checkout, "/pay"), &form(&checkout, 0)).await.status(), 303);
    }
    assert_eq!(opened(&target), 1);
    // Nor once the payment is over, and an old form that cancels leaves the payment alone that is open then.
    assert_eq!(post(&target, &path(&checkout, "/cancel"), &form(&checkout, 1)).await.status(), 303);
    assert_eq!(post(&target, &path(&checkout, "/pay"), &form(&checkout, 0)).await.status(), 303);
    assert_eq!(opened(&target), 1);
    assert_eq!(post(&target, &path(&checkout, "/pay"), &form(&checkout, 1)).await.status(), 303);
    assert_eq!(post(&target, &path(&checkout, "/cancel"), &form(&checkout, 1)).await.status(), 303);
    let now = target.fixture.athm.checkouts().find(checkout.id()).await.unwrap().unwrap();
    assert_eq!((opened(&target), now.state().as_str()), (2, "waiting"));
}

#[tokio::test]
async fn an_old_form_sends_no_push_to_the_phone_that_it_names() {
    let target = Target::open().await;
    let checkout = offer(&target).await;
    assert_eq!(post(&target, &path(&checkout, "/pay"), &form(&checkout, 0)).await.status(), 303);
    assert_eq!(post(&target, &path(&checkout, "/cancel"), &form(&checkout, 1)).await.status(), 303);
    assert_eq!(post(&target, &path(&checkout, "/pay"), &form(&checkout, 1)).await.status(), 303);
    assert_eq!(post(&target, &path(&checkout, "/phone"), &form(&checkout, 1)).await.status(), 303);
    assert_eq!((opened(&target), target.fixture.request_count("/updatePhoneNumber")), (2, 0));
}

#[tokio::test]
async fn another_customers_checkout_is_not_changed_by_the_forms_of_ones_own() {
    let target = Target::open().await;
    let (own, other) = (offer(&target).await, offer(&target).await);
    assert_eq!(post(&target, &path(&other, "/pay"), &form(&other, 0)).await.status(), 303);
    for route in ["/pay", "/phone", "/cancel"] {
        assert_eq!(post(&target, &path(&other, route), &form(&own, 1)).await.status(), 403, "{route}");
    }
    let now = target.fixture.athm.checkouts().find(other.id()).await.unwrap().unwrap();
    assert_eq!((opened(&target), now.state().as_str(), now.phone_ending()), (1, "waiting", Some("0199")));
}

#[tokio::test]
async fn a_flood_of_pushes_reaches_a_phone_five_times() {
    let target = Target::open().await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let checkout = offer(&target).await;
        statuses.push(post(&target, &path(&checkout, "/pay"), &form(&checkout, 0)).await.status().as_u16());
    }
    assert_eq!((statuses[..5].to_vec(), statuses[5..].to_vec()), (vec![303; 5], vec![429; 7]));
    assert_eq!(opened(&target), 5);
}

#[tokio::test]
async fn a_flood_of_corrections_reaches_a_phone_five_times_and_ten_phones_in_all() {
    let target = Target::open().await;
    let checkout = offer(&target).await;
    let mut correction = form(&checkout, 1);
    assert_eq!(post(&target, &path(&checkout, "/pay"), &form(&checkout, 0)).await.status(), 303);
    let mut correct = async |phone: &str| {
        // As slowly as requests for one checkout may come.
        target.fixture.clock.advance(Duration::from_secs(2));
        correction[2].1 = phone.to_owned();
        post(&target, &path(&checkout, "/phone"), &correction).await.status().as_u16()
    };
    for expected in [303, 303, 303, 303, 303, 429, 429] {
        assert_eq!(correct("787-555-0123").await, expected);
    }
    for (last, expected) in [(1, 303), (2, 303), (3, 303), (4, 303), (5, 429), (6, 429)] {
        assert_eq!(correct(&format!("787-555-010{last}")).await, expected, "{last}");
    }
    assert_eq!((opened(&target), target.fixture.request_count("/updatePhoneNumber")), (1, 9));
}

#[tokio::test]
async fn only_a_posted_form_changes_anything() {
    let target = Target::open().await;
    let checkout = offer(&target).await;
    let body = format!("token={}&attempts=0&phone=7875550199", checkout.form_token());
    for route in ["/pay", "/phone", "/cancel"] {
        let address = path(&checkout, route);
        // The access log holds whatever stands in an address.
        let by_link = target.server.get(&format!("{address}?attempts=0&phone=1")).send().await.unwrap();
        assert!(by_link.status().is_client_error(), "{route}: {}", by_link.status());
        // What another site's page can post without asking first.
        for kind in ["text/plain", "multipart/form-data; boundary=x", "application/json"] {
            let request = target.server.post(&address).header("content-type", kind).body(body.clone());
            let status = request.send().await.unwrap().status();
            assert!(status.is_client_error(), "{route} as {kind}: {status}");
        }
        for odd in [format!("{body}&token=x"), format!("{body}&attempts=-1"), body.repeat(10_000)] {
            let answer = target.server.post(&address).header("content-type", "application/x-www-form-urlencoded");
            let status = answer.body(odd).send().await.unwrap().status();
            assert!(status.is_client_error(), "{route}: {status}");
        }
    }
    let now = target.fixture.athm.checkouts().find(checkout.id()).await.unwrap().unwrap();
    assert_eq!((opened(&target), now.state().as_str()), (0, "ready"));
}

#[tokio::test]
async fn no_answer_is_framed_cached_guessed_at_or_read_by_another_origin() {
    let target = Target::open().await;
    let server =
        TestServer::start_with(&target.fixture.athm, false, |scope| scope.allow_origin("https://shop.example"));
    let checkout = offer(&target).await;
    let unknown = format!("/athm/checkout/{}", "0".repeat(32));
    for (address, accept) in [
        (path(&checkout, ""), "text/html"),
        (path(&checkout, ""), "application/json"),
        (path(&checkout, "/events"), "text/event-stream"),
        (unknown, "text/html"),
    ] {
        let request = server.get(&address).header("accept", accept).header("origin", "https://shop.example");
        let answer = request.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("http"), "{address}: {policy}");
        assert_eq!((header("cache-control"), header("x-content-type-options")), ("no-store", "nosniff"), "{address}");
        assert_eq!(header("referrer-policy"), "same-origin", "{address}");
        assert_eq!(header("access-control-allow-origin"), "", "{address}");
    }
}

#[tokio::test]
async fn a_flood_of_requests_from_one_address_is_refused() {
    let target = Target::open().await;
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let checkout = offer(&target).await;
        // A header that any client can write is no address.
        let request = target.server.post_fields(&path(&checkout, "/cancel"), &form(&checkout, 0));
        let request = request.header("x-forwarded-for", "192.0.2.1");
        statuses.push(request.send().await.unwrap().status().as_u16());
    }
    assert_eq!((statuses[..20].to_vec(), statuses[20..].to_vec()), (vec![303; 20], vec![429; 10]));
}

#[tokio::test]
async fn amounts_in_a_form_are_not_read() {
    let target = Target::open().await;
    let checkout = offer(&target).await;
    let mut forged = form(&checkout, 0);
    for (name, value) in [
        ("total", "1.00"),
        ("subtotal", "1.00"),
        ("tax", "0.00"),
        ("amount", "1"),
        ("metadata1", "order-8"),
        ("items", "[]"),
    ] {
        forged.push((name, value.to_owned()));
    }
    assert_eq!(post(&target, &path(&checkout, "/pay"), &forged).await.status(), 303);
    let payment = target.fixture.simulator.payments().pop().unwrap();
    assert_eq!((payment.total, payment.metadata_1.as_str()), (Amount::from_cents(2500), "order-7"));
}

#[tokio::test]
async fn what_customers_and_merchants_write_runs_nowhere() {
    let target = Target::open().await;
    let script = "\"><script>alert(1)</script>";
    let item = athm_core::Item::new(script, Amount::from_cents(2500));
    let new = NewCheckout::new(Amount::from_cents(2500), "order-7").item(item);
    let checkout = target.fixture.athm.checkout(new).await.unwrap();
    let forged =
        [("token", checkout.form_token().to_owned()), ("phone", script.to_owned()), ("email", script.to_owned())];
    let answer = post(&target, &path(&checkout, "/pay"), &forged).await;
    assert_eq!(answer.status(), 422);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>alert"), "{page}");
}
