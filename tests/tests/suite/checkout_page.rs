//! The page of a checkout over HTTP, without a browser.

use std::time::Duration;

use athm_actix::checkouts::{ButtonTheme, Checkout, Language, NewCheckout};
use athm_core::testing::BuilderExt as _;
use athm_core::{Amount, Item};
use athm_tests::TestServer;
use reqwest::Response;
use serde_json::Value;

use crate::SimulatorFixture;

struct Page {
    fixture: SimulatorFixture,
    server: TestServer,
    checkout: Checkout,
}

impl Page {
    async fn open() -> Self {
        let fixture = SimulatorFixture::open_with_sweeper(|builder| builder.seed(7)).await;
        let server = TestServer::start(&fixture.athm);
        let new = NewCheckout::new(Amount::from_cents(2500), "order-7").return_url("/orders/7");
        let new = new.tax(Amount::from_cents(258)).item(Item::new("Mug", Amount::from_cents(1121)).quantity(2));
        let checkout = fixture.athm.checkout(new).await.unwrap();
        Self { fixture, server, checkout }
    }

    fn path(&self, route: &str) -> String {
        format!("/athm/checkout/{}{route}", self.checkout.id())
    }

    async fn get(&self, accept: &str, languages: &str) -> Response {
        let request = self.server.get(&self.path("")).header("accept", accept).header("accept-language", languages);
        request.send().await.unwrap()
    }

    async fn json(&self) -> Value {
        self.get("application/json", "en").await.json().await.unwrap()
    }

    async fn post(&self, route: &str, phone: &str, header: (&'static str, &'static str)) -> Response {
        let json = self.json().await;
        let form = [
            ("token", json["token"].as_str().unwrap().to_owned()),
            ("attempts", json["attempts"].to_string()),
            ("phone", phone.to_owned()),
        ];
        self.server.post_fields(&self.path(route), &form).header(header.0, header.1).send().await.unwrap()
    }
}

const AS_PAGE: (&str, &str) = ("accept", "text/html");
const AS_PART: (&str, &str) = ("athm-view", "part");
const AS_JSON: (&str, &str) = ("accept", "application/json");

#[tokio::test]
async fn the_page_is_in_the_language_of_the_address_of_the_checkout_or_of_the_browser() {
    let page = Page::open().await;
    for (languages, text) in [("es-PR,es;q=0.9", "Pagar $25.00 con ATH Móvil"), ("fr", "Pay $25.00 with ATH Móvil")] {
        let answer = page.get("text/html", languages).await;
        assert_eq!(answer.status(), 200);
        let html = answer.text().await.unwrap();
        assert!(html.contains(text) && html.contains("Mug × 2") && html.contains("$22.42"), "{html}");
    }
    let spanish = page.server.get(&page.path("?lang=es")).send().await.unwrap().text().await.unwrap();
    assert!(spanish.contains("<html lang=\"es\">"), "{spanish}");
    let chosen = NewCheckout::new(Amount::from_cents(2500), "order-8").language(Language::Spanish);
    let chosen = page.fixture.athm.checkout(chosen).await.unwrap();
    let path = format!("/athm/checkout/{}", chosen.id());
    let html = page.server.get(&path).header("accept-language", "en").send().await.unwrap().text().await.unwrap();
    assert!(html.contains("<html lang=\"es\">"), "{html}");
}

#[tokio::test]
async fn a_form_leads_to_the_page_and_is_answered_with_a_part_or_with_json() {
    let page = Page::open().await;
    let wrong = page.post("/pay", "12", AS_PART).await;
    assert_eq!(wrong.status(), 422);
    let part = wrong.text().await.unwrap();
    assert!(part.contains("aria-invalid=\"true\"") && !part.contains("<html"), "{part}");

    let posted = page.post("/pay", "787-555-0199", AS_PAGE).await;
    let location = posted.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!((posted.status().as_u16(), location), (303, page.path("?lang=en&theme=accent")));
    let html = page.get("text/html", "en").await.text().await.unwrap();
    assert!(html.contains("<noscript><meta http-equiv=\"refresh\"") && html.contains("ending in 0199"), "{html}");

    let corrected = page.post("/phone", "787-555-0123", AS_JSON).await.json::<Value>().await.unwrap();
    assert_eq!((&corrected["state"], &corrected["total"]), (&"waiting".into(), &"25.00".into()));
    let cancelled = page.post("/cancel", "", AS_JSON).await.json::<Value>().await.unwrap();
    assert_eq!(cancelled["state"], "cancelled");
}

#[tokio::test]
async fn a_page_counts_down_by_the_clock_of_the_deadline() {
    let page = Page::open().await;
    page.post("/pay", "787-555-0199", AS_PAGE).await;
    page.fixture.clock.advance(Duration::from_secs(100));
    let html = page.get("text/html", "en").await.text().await.unwrap();
    assert!(html.contains("data-left>8:20<"), "{html}");
}

#[tokio::test]
async fn a_page_that_waits_is_notified_of_the_payment() {
    let page = Page::open().await;
    page.post("/pay", "787-555-0199", AS_PAGE).await;
    let mut events = page.server.get(&page.path("/events")).send().await.unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut text = String::from_utf8(events.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(text.ends_with("data: waiting-1-0199-0-0\n\n"), "{text}");
    let open = page.fixture.simulator.payments().pop().unwrap();
    page.fixture.simulator.approve(&open.ecommerce_id).unwrap();
    page.fixture.clock.advance(Duration::from_secs(1));
    while let Some(event) = events.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&event).unwrap());
    }
    assert!(text.contains("data: completed-1-0199-0-0\n\n"), "{text}");
    let paid = page.json().await;
    assert!(paid["reference"].is_string() && paid["state"] == "completed", "{paid}");
    let html = page.get("text/html", "en").await.text().await.unwrap();
    assert!(html.contains("Payment completed") && html.contains("href=\"/orders/7\""), "{html}");
}

#[tokio::test]
async fn eight_pages_of_a_checkout_are_notified_and_the_others_ask() {
    let page = Page::open().await;
    page.post("/pay", "787-555-0199", AS_PAGE).await;
    let mut open = Vec::new();
    for _ in 0..8 {
        let events = page.server.get(&page.path("/events")).send().await.unwrap();
        assert_eq!(events.status(), 200);
        open.push(events);
    }
    let ninth = page.server.get(&page.path("/events")).send().await.unwrap();
    assert_eq!((ninth.status().as_u16(), ninth.headers()["retry-after"].to_str().unwrap()), (503, "5"));
}

#[tokio::test]
async fn the_component_asks_for_files_that_the_scope_serves_and_that_never_change() {
    let page = Page::open().await;
    let button = athm_actix::checkout_button(&page.checkout).theme(ButtonTheme::Dark).language(Language::Spanish);
    let html = button.to_string();
    assert!(html.contains("athm-dark") && html.contains("Pagar $25.00") && !html.contains("style="), "{html}");
    for attribute in ["href=\"", "src=\""] {
        let address = html.split(attribute).nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let answer = page.server.get(&address).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers()["cache-control"].to_str().unwrap().contains("immutable")),
            (200.try_into().unwrap(), true)
        );
    }
    let elsewhere = athm_actix::checkout_button(&page.checkout).path("/pay/").to_string();
    assert!(elsewhere.contains(&format!("action=\"/pay/checkout/{}/pay?", page.checkout.id())), "{elsewhere}");
}
