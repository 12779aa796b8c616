//! The demo, driven as a customer's browser and a stranger drive it: each test has a shop and a simulator of its own.

use std::time::{Duration, Instant};

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::http::header::{HOST, LOCATION, ORIGIN};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use athm_actix::checkouts::Checkout;
use athm_actix::ids::EcommerceId;
use athm_actix::testing::{BuilderExt as _, Clock};
use athm_actix::{Amount, Athm, Status};
use athm_simulator::{Effect, Endpoint, Fault, SimulatedPayment, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::live::Runs;
use crate::orders::{Orders, PRODUCTS};
use crate::routes;
use crate::settings::{PRIVATE_TOKEN, PUBLIC_TOKEN};
use crate::shop::Shop;

struct Demo {
    shop: Shop,
    simulator: Simulator,
    /// Of the shop and of the simulator.
    clock: Clock,
    folder: TempDir,
}

struct Answer {
    status: StatusCode,
    location: String,
    body: String,
}

impl Demo {
    async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    async fn start_in(folder: TempDir) -> Self {
        let clock = Clock::manual();
        let simulator = Simulator::builder().clock(clock.clone()).start().await.unwrap();
        let orders = Orders::open(&folder.path().join("orders.json")).unwrap();
        let (runs, api_url) = (Runs::default(), simulator.url().to_owned());
        let athm = Athm::builder()
            .clock(clock.clone())
            .tokens(PUBLIC_TOKEN, PRIVATE_TOKEN)
            .api_url(&api_url)
            .database_url(format!("sqlite://{}", folder.path().join("athm.db").display()))
            .state(orders.clone())
            .state(runs.clone());
        let shop = Shop { athm: athm.start().await.unwrap(), orders, runs, api_url };
        Self { shop, simulator, clock, folder }
    }

    /// Sends a request, and waits for the receivers that it brings.
    async fn send(&self, request: TestRequest) -> Answer {
        let app = App::new().service(self.shop.service());
        let app = init_service(app.configure(|config| routes::configure(config, &self.shop))).await;
        let answer = call_service(&app, request.insert_header((HOST, "localhost:8080")).to_request()).await;
        let (status, location) = (answer.status(), answer.headers().get(LOCATION).cloned());
        let location = location.map(|location| location.to_str().unwrap().to_owned()).unwrap_or_default();
        let body = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
        self.shop.athm.idle().await;
        Answer { status, location, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    async fn post(&self, path: &str) -> Answer {
        self.send(TestRequest::post().uri(path)).await
    }

    async fn callback(&self, message: &Value) -> StatusCode {
        self.send(TestRequest::post().uri("/athm/callback").set_json(message)).await.status
    }

    /// Orders the first product; gives the path of the order's page.
    async fn order(&self) -> String {
        let answer = self.send(TestRequest::post().uri("/orders").set_form([("product", "0")])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(self.get(&answer.location).await.body.contains("data-athm"));
        answer.location
    }

    /// Types a phone into the page of an order; gives the payment that is open then.
    async fn pay(&self, page: &str) -> EcommerceId {
        let checkout = self.checkout(page).await;
        let form = [
            ("token", checkout.form_token().to_owned()),
            ("attempts", checkout.attempts().to_string()),
            ("phone", String::from("787-555-0199")),
        ];
        let path = format!("/athm/checkout/{}/pay", checkout.id());
        assert_eq!(self.send(TestRequest::post().uri(&path).set_form(form)).await.status, StatusCode::SEE_OTHER);
        self.simulator.payments().last().unwrap().ecommerce_id
    }

    /// Both: gives the path of the order's page, and the payment.
    async fn buy(&self) -> (String, EcommerceId) {
        let page = self.order().await;
        let ticket = self.pay(&page).await;
        (page, ticket)
    }

    async fn checkout(&self, page: &str) -> Checkout {
        let order = self.shop.orders.find(page.trim_start_matches("/orders/")).unwrap();
        self.shop.athm.checkouts().find(order.checkout.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Approves a payment, and waits until athm has authorized it, with no page open.
    async fn approve(&self, ticket: &EcommerceId) {
        self.simulator.approve(ticket).unwrap();
        self.until(async || self.simulator.payment(ticket).unwrap().status == Status::Completed).await;
        self.until_state("paid").await;
    }

    async fn until_state(&self, state: &str) {
        self.until(async || self.state().await == state).await;
    }

    /// Lets time pass, second by second, until the condition holds.
    async fn until(&self, condition: impl AsyncFn() -> bool) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            self.clock.advance(Duration::from_secs(1));
            let second = Instant::now();
            while second.elapsed() < Duration::from_millis(100) {
                if condition().await {
                    return;
                }
                actix_web::rt::task::yield_now().await;
            }
        }
        panic!("the condition never held");
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.body).unwrap()
    }

    /// The state of the latest order.
    async fn state(&self) -> Value {
        self.json("/orders.json").await[0]["state"].clone()
    }

    /// What ran, oldest first: receiver, signal and result. The receipt is left out: it runs when the customer is known.
    async fn ran(&self) -> Vec<String> {
        let runs = self.json("/receivers.json").await;
        let word = |run: &Value, name: &str| run[name].as_str().unwrap().to_owned();
        let line = |run| {
            let receiver = word(run, "receiver");
            let name = receiver.rsplit("::").next().unwrap();
            format!("{name}, {}: {}", word(run, "signal"), word(run, "result"))
        };
        let runs = runs.as_array().unwrap().iter().rev().map(line);
        runs.filter(|run| !run.starts_with("send_receipt")).collect()
    }

    /// A payment of a buyer's own, with that order's number.
    fn pays_for(&self, page: &str, cents: i64) -> EcommerceId {
        let number = page.trim_start_matches("/orders/");
        let payment = SimulatedPayment::new(Amount::from_cents(cents)).metadata_1(number).status(Status::Completed);
        self.simulator.insert(payment)
    }
}

fn news(ticket: EcommerceId, status: &str) -> Value {
    json!({ "status": "success", "data": { "ecommerceId": ticket, "ecommerceStatus": status } })
}

const PAID: [&str; 2] = ["audit, received: ok", "fulfil, completed: ok"];

#[actix_web::test]
async fn the_receipt_goes_to_the_customer_whom_the_provider_names() {
    let demo = Demo::start().await;
    let (page, ticket) = demo.buy().await;
    demo.approve(&ticket).await;
    demo.until(async || demo.get(&page).await.body.contains("A receipt goes to customer@simulator.example.")).await;
}

#[actix_web::test]
async fn an_approved_order_is_paid_by_its_receivers_with_no_page_open() {
    let demo = Demo::start().await;
    let page = demo.order().await;
    assert_eq!(demo.state().await, "open");
    assert!(demo.simulator.payments().is_empty());
    let ticket = demo.pay(&page).await;
    assert_eq!(demo.state().await, "waiting");
    assert!(demo.get(&page).await.body.contains(&format!("/#payment-{ticket}")));

    demo.approve(&ticket).await;
    assert_eq!(demo.ran().await, PAID);
    let page = demo.get(&page).await.body;
    assert!(page.contains("Thank you!") && page.contains("Payment completed"), "{page}");
}

#[actix_web::test]
async fn an_approved_order_whose_money_has_not_moved_is_shown_as_approved() {
    let demo = Demo::start().await;
    let (_, ticket) = demo.buy().await;
    demo.simulator.fail_next(Endpoint::Authorize, Fault::BadGateway(Effect::Absent));
    demo.simulator.approve(&ticket).unwrap();
    assert_eq!(demo.callback(&news(ticket, "CONFIRM")).await, StatusCode::OK);
    assert_eq!(demo.state().await, "approved");
    assert!(demo.ran().await.is_empty());
}

#[actix_web::test]
async fn a_dollar_with_another_orders_number_leaves_it_underpaid_until_it_is_paid() {
    let demo = Demo::start().await;
    let (page, ticket) = demo.buy().await;
    let cheap = demo.pays_for(&page, 100);
    assert_eq!(demo.callback(&news(cheap, "COMPLETED")).await, StatusCode::CREATED);
    assert_eq!(demo.state().await, "underpaid");
    let error = "fulfil, completed: expected a total of 14.50, but 1.00 was paid";
    assert_eq!(demo.ran().await, ["audit, received: ok", error]);

    demo.approve(&ticket).await;
    let cheap = demo.pays_for(&page, 100);
    assert_eq!(demo.callback(&news(cheap, "COMPLETED")).await, StatusCode::CREATED);
    assert_eq!(demo.state().await, "paid");
}

#[actix_web::test]
async fn a_second_payment_of_an_order_does_not_fulfil_it_again_and_is_given_back() {
    let demo = Demo::start().await;
    let (page, ticket) = demo.buy().await;
    demo.approve(&ticket).await;
    let second = demo.pays_for(&page, PRODUCTS[0].price.cents());
    assert_eq!(demo.callback(&news(second, "COMPLETED")).await, StatusCode::CREATED);
    let refused = "fulfil, completed: another payment has paid this order: give this one back";
    assert_eq!(demo.ran().await[2..], ["audit, received: ok", refused]);
    let of = |ticket| demo.simulator.payment(ticket).unwrap().refunded_amount;
    assert!(demo.get(&page).await.body.contains("refund-surplus"));
    let give_back = format!("{page}/refund-surplus");
    for _ in 0..2 {
        assert_eq!(demo.post(&give_back).await.location, page);
    }
    assert_eq!((of(&second), of(&ticket)), (PRODUCTS[0].price, Amount::ZERO));
    assert_eq!(demo.state().await, "paid");
    assert!(!demo.get(&page).await.body.contains("refund-surplus"));
}

#[actix_web::test]
async fn a_paid_order_is_refunded_once_however_often_the_button_is_pressed() {
    let demo = Demo::start().await;
    let (page, ticket) = demo.buy().await;
    let refund = format!("{page}/refund");
    assert_eq!(demo.post(&refund).await.location, page);
    assert!(!demo.get(&page).await.body.contains("/refund"));

    demo.approve(&ticket).await;
    assert!(demo.get(&page).await.body.contains("/refund"));
    assert_eq!(demo.post(&refund).await.location, page);
    assert_eq!(demo.post(&refund).await.location, page);
    assert_eq!(demo.state().await, "refunded");
    assert_eq!(demo.ran().await[2..], ["audit, received: ok", "take_back, refunded: ok"]);
    assert_eq!(demo.simulator.payment(&ticket).unwrap().refunded_amount, PRODUCTS[0].price);
    let page = demo.get(&page).await.body;
    assert!(page.contains("on its way back") && !page.contains("/refund"));
}

#[actix_web::test]
async fn money_given_back_in_the_providers_app_takes_the_order_back_too() {
    let demo = Demo::start().await;
    let (_, ticket) = demo.buy().await;
    demo.approve(&ticket).await;
    let paid = demo.simulator.payment(&ticket).unwrap();
    demo.simulator.insert(paid.refunded_amount(PRODUCTS[0].price));
    assert_eq!(demo.callback(&news(ticket, "CONFIRM")).await, StatusCode::CREATED);
    assert_eq!(demo.state().await, "refunded");
}

#[actix_web::test]
async fn forged_news_run_no_receiver() {
    let demo = Demo::start().await;
    let (_, ticket) = demo.buy().await;
    assert_eq!(demo.callback(&news(ticket, "COMPLETED")).await, StatusCode::ACCEPTED);
    let invented: EcommerceId = "3f1c9a52-8d4b-11ef-9c3a-0242ac120002".parse().unwrap();
    assert_eq!(demo.callback(&news(invented, "COMPLETED")).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(demo.state().await, "waiting");
    assert!(demo.ran().await.is_empty());
}

#[actix_web::test]
async fn a_declined_order_is_cancelled_and_may_be_paid_after_all() {
    let demo = Demo::start().await;
    let (page, ticket) = demo.buy().await;
    demo.simulator.decline(&ticket).unwrap();
    assert_eq!(demo.callback(&news(ticket, "CANCEL")).await, StatusCode::CREATED);
    assert_eq!(demo.state().await, "cancelled");
    assert_eq!(demo.ran().await, ["audit, received: ok", "cancel, cancelled: ok"]);

    let again = demo.pay(&page).await;
    assert_eq!(demo.state().await, "waiting");
    demo.approve(&again).await;
    assert_eq!(demo.simulator.payments().len(), 2);
}

#[actix_web::test]
async fn an_unapproved_order_expires() {
    let demo = Demo::start().await;
    demo.buy().await;
    demo.clock.advance(Duration::from_secs(11 * 60));
    demo.until_state("expired").await;
    assert_eq!(demo.ran().await, ["audit, received: ok", "expire, expired: ok"]);
}

#[actix_web::test]
async fn another_payment_that_is_cancelled_with_an_orders_number_does_not_close_it() {
    let demo = Demo::start().await;
    let (page, _) = demo.buy().await;
    let number = page.trim_start_matches("/orders/");
    let other = SimulatedPayment::new(PRODUCTS[0].price).metadata_1(number).status(Status::Cancelled);
    let other = demo.simulator.insert(other);
    assert_eq!(demo.callback(&news(other, "CANCEL")).await, StatusCode::CREATED);
    assert_eq!(demo.state().await, "waiting");
}

#[actix_web::test]
async fn after_a_restart_orders_are_still_there_and_open_payments_have_ended() {
    let demo = Demo::start().await;
    let (_, ticket) = demo.buy().await;
    demo.simulator.approve(&ticket).unwrap();
    demo.buy().await;
    demo.shop.athm.shutdown(Duration::from_secs(10)).await;

    let demo = Demo::start_in(demo.folder).await;
    assert_eq!(demo.json("/orders.json").await.as_array().unwrap().len(), 2);
    demo.shop.end_what_an_earlier_run_left_open(&demo.simulator).await.unwrap();
    demo.shop.athm.idle().await;
    assert_eq!(demo.state().await, "cancelled");
    assert_eq!(demo.json("/orders.json").await[1]["state"], "cancelled");
}

#[actix_web::test]
async fn a_page_of_another_site_orders_nothing() {
    let demo = Demo::start().await;
    for origin in ["https://shop.example", "http://localhost:8081", "null", ""] {
        let order = TestRequest::post().uri("/orders").set_form([("product", "0")]);
        let answer = demo.send(order.insert_header((ORIGIN, origin))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let order = TestRequest::post().uri("/orders").set_form([("product", "1")]);
    let answer = demo.send(order.insert_header((ORIGIN, "http://localhost:8080"))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(demo.json("/orders.json").await.as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn what_a_stranger_writes_is_text_on_the_page() {
    let demo = Demo::start().await;
    let payment = SimulatedPayment::new(Amount::from_cents(100)).metadata_1("order-<script>alert(1)</script>");
    let id = demo.simulator.insert(payment.status(Status::Completed));
    assert_eq!(demo.callback(&news(id, "COMPLETED")).await, StatusCode::CREATED);
    let page = demo.get("/").await.body;
    assert!(page.contains("there is no order") && !page.contains("<script>alert"));
}

#[actix_web::test]
async fn a_payment_that_names_no_order_is_heard_by_the_audit_trail_alone() {
    let demo = Demo::start().await;
    let payment = SimulatedPayment::new(Amount::from_cents(100)).metadata_1("a haircut");
    let id = demo.simulator.insert(payment.status(Status::Completed));
    assert_eq!(demo.callback(&news(id, "COMPLETED")).await, StatusCode::CREATED);
    demo.shop.athm.idle().await;
    let page = demo.get("/").await.body;
    assert!(page.contains("audit") && !page.contains("fulfil"), "{page}");
}

#[actix_web::test]
async fn unknown_pages_are_answered_404_and_unknown_products_400() {
    let demo = Demo::start().await;
    for path in ["/orders/order-22222222", "/nowhere"] {
        assert_eq!(demo.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = demo.send(TestRequest::post().uri("/orders").set_form([("product", "7")])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}
