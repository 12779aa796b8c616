//! The page of a checkout: what a stranger, another site or a customer posts there opens no payment that it shouldn't.

use athm_actix::checkouts::{Checkout, NewCheckout};
use athm_core::Amount;
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
