//! Webhooks, received by a merchant's listener.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_core::{Amount, Status, TransactionKind};
use athm_simulator::{
    PaymentChannel, Simulator, SimulatorBuilder, SimulatorError, WebhookFault, WebhookFaultRates, WebhookShape,
};
use athm_tests::eventually;
use serde_json::{Value, json};

use crate::{Shop, json_of, payment, text};

/// A merchant's listener.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Value>>>);

impl Listener {
    /// A listener on a free port, and its URL.
    fn open() -> (Self, String) {
        let listener = Self::default();
        let received = listener.clone();
        let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/webhook", socket.local_addr().unwrap());
        thread::spawn(move || {
            let server = HttpServer::new(move || {
                let received = received.clone();
                let receive = move |body: web::Json<Value>| {
                    received.0.lock().unwrap().push(body.into_inner());
                    async { HttpResponse::Ok().finish() }
                };
                App::new().route("/webhook", web::post().to(receive))
            });
            let server = server.workers(1).disable_signals().listen(socket).unwrap();
            actix_web::rt::System::new().block_on(server.run())
        });
        (listener, url)
    }

    async fn received(&self, count: usize) -> Vec<Value> {
        eventually(async || self.0.lock().unwrap().len() >= count).await;
        self.0.lock().unwrap().clone()
    }

    fn states(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|body| text(&body["status"])).collect()
    }
}

async fn subscribed(adapt: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> (Shop, Listener) {
    let (listener, url) = Listener::open();
    let simulator = adapt(Simulator::builder().clock_speed(0).seed(7).webhook_url(url)).start().await.unwrap();
    (Shop::with(simulator), listener)
}

impl Shop {
    async fn pay(&self) -> athm_core::ids::EcommerceId {
        let (id, token) = self.create().await;
        self.simulator.approve(&id).unwrap();
        assert_eq!(self.authorize(&token).await["status"], "success");
        id
    }
}

#[tokio::test]
async fn a_listener_receives_the_events_it_subscribed_to() {
    let (listener, url) = Listener::open();
    let shop = Shop::open().await;
    let subscription = json!({
        "publicToken": "public", "privateToken": "private", "listenerURL": url, "ecommercePaymentReceivedEvent": true,
        "refundSentEvent": true, "paymentReceivedEvent": false,
    });
    let answer = json_of(shop.post("/transactions/webhook/post").json(&subscription)).await;
    assert_eq!(answer["status"], "success");

    let app = shop.simulator.receive(payment(500).kind(TransactionKind::Payment));
    let id = shop.pay().await;
    shop.simulator.refund(&id, Amount::from_cents(100)).unwrap();
    let received = listener.received(2).await;
    let kinds: Vec<_> = received.iter().map(|body| text(&body["transactionType"])).collect();
    assert_eq!(kinds, ["ECOMMERCE", "refund"]);
    assert_eq!(received[0]["ecommerceId"], id.to_string());
    eventually(async || shop.simulator.webhooks().iter().all(|webhook| webhook.status == Some(200))).await;
    assert!(shop.simulator.webhooks().iter().all(|webhook| webhook.payment != app));
}

#[tokio::test]
async fn no_webhook_leaves_this_machine() {
    let shop = Shop::open().await;
    let subscription = json!({
        "publicToken": "public", "privateToken": "private", "listenerURL": "https://shop.example/webhook",
        "ecommercePaymentReceivedEvent": true,
    });
    let answer = json_of(shop.post("/transactions/webhook/post").json(&subscription)).await;
    assert_eq!(answer["errorcode"], "BTRA_0006");
    let error = shop.simulator.subscribe("http://10.0.0.1/webhook").unwrap_err();
    assert!(matches!(error, SimulatorError::WebhookUrl { .. }));
    let error = Simulator::builder().webhook_url("http://shop.example/").start().await.unwrap_err();
    assert!(matches!(error, SimulatorError::WebhookUrl { .. }));
}

#[tokio::test]
async fn no_webhook_of_unpaid_app_payments_is_sent() {
    let (shop, listener) = subscribed(|builder| builder).await;
    let (declined, _) = shop.create().await;
    shop.simulator.decline(&declined).unwrap();
    shop.create().await;
    shop.simulator.skip(Duration::from_secs(300));
    shop.pay().await;
    assert_eq!(listener.received(1).await.len(), 1);
    assert_eq!(listener.states(), ["COMPLETED"]);
}

#[tokio::test]
async fn webhooks_of_unpaid_web_payments_are_sent() {
    let (shop, listener) = subscribed(|builder| builder.payment_channel(PaymentChannel::Web)).await;
    let (declined, _) = shop.create().await;
    shop.simulator.decline(&declined).unwrap();
    listener.received(1).await;
    shop.create().await;
    // It expires without a request.
    shop.simulator.skip(Duration::from_secs(300));
    let received = listener.received(2).await;
    assert_eq!(listener.states(), ["CANCEL", "expired"]);
    assert_eq!(received[0]["ecommerceId"], declined.to_string());
    assert_eq!((received[1].get("ecommerceId"), &received[1]["referenceNumber"]), (None, &json!("")));
    assert_eq!((&received[1]["metadata1"], &received[1]["total"]), (&json!("order-7"), &json!("27.86")));
}

#[tokio::test]
async fn app_payments_donations_and_test_events_have_the_2020_shape() {
    let (shop, listener) = subscribed(|builder| builder).await;
    shop.simulator.receive(payment(500).kind(TransactionKind::Payment).customer_message("Lunch"));
    listener.received(1).await;
    shop.simulator.receive(payment(500).kind(TransactionKind::Donation));
    listener.received(2).await;
    shop.simulator.send_test_webhook();
    let received = listener.received(3).await;
    let kinds: Vec<_> = received.iter().map(|body| text(&body["transactionType"])).collect();
    assert_eq!(kinds, ["payment", "donation", "simulated"]);
    assert_eq!(received[0]["message"], "Lunch");
    let found = shop.search(json!({ "referenceNumber": received[0]["referenceNumber"] })).await;
    assert_eq!(found["transactionType"], "PAYMENT");
}

#[tokio::test]
async fn the_2020_shape_has_no_ecommerce_id() {
    let (shop, listener) = subscribed(|builder| builder.webhook_shape(WebhookShape::V2020)).await;
    shop.pay().await;
    let received = listener.received(1).await;
    assert_eq!((received[0].get("ecommerceId"), &received[0]["status"]), (None, &json!("completed")));
}

#[tokio::test]
async fn webhooks_are_lost_doubled_and_reordered() {
    let (shop, listener) = subscribed(|builder| builder).await;
    let totals = |bodies: &[Value]| bodies.iter().map(|body| text(&body["total"])).collect::<Vec<_>>();
    let donate = |cents| shop.simulator.receive(payment(cents).kind(TransactionKind::Donation));
    shop.simulator.fail_next_webhook(WebhookFault::Lost);
    donate(100);
    eventually(async || shop.simulator.webhooks().len() == 1).await;
    shop.simulator.fail_next_webhook(WebhookFault::Doubled);
    donate(200);
    assert_eq!(totals(&listener.received(2).await), ["2.00", "2.00"]);

    shop.simulator.fail_next_webhook(WebhookFault::Reordered);
    donate(300);
    eventually(async || shop.simulator.webhooks().len() == 4).await;
    donate(400);
    assert_eq!(totals(&listener.received(4).await)[2..], ["4.00", "3.00"]);
    assert_eq!(shop.simulator.webhooks()[0].fault, Some(WebhookFault::Lost));
}

#[tokio::test]
async fn a_delayed_webhook_is_sent_after_its_delay() {
    let (shop, listener) = subscribed(|builder| builder).await;
    shop.simulator.fail_next_webhook(WebhookFault::Delayed(Duration::from_secs(60)));
    shop.simulator.receive(payment(100).kind(TransactionKind::Donation));
    eventually(async || shop.simulator.webhooks().len() == 1).await;
    shop.simulator.receive(payment(200).kind(TransactionKind::Donation));
    assert_eq!(listener.received(1).await[0]["total"], "2.00");
    shop.simulator.skip(Duration::from_secs(60));
    assert_eq!(listener.received(2).await[1]["total"], "1.00");
}

#[tokio::test]
async fn a_forged_webhook_differs_from_the_ledger() {
    let rates = WebhookFaultRates::none().with(WebhookFault::Forged, 1000);
    let (shop, listener) = subscribed(|builder| builder.webhook_faults(rates)).await;
    let id = shop.pay().await;
    let received = listener.received(2).await;
    assert_ne!(received[0], received[1]);
    assert_eq!((&received[1]["ecommerceId"], &received[1]["status"]), (&json!(id.to_string()), &json!("COMPLETED")));
    let faults: Vec<_> = shop.simulator.webhooks().into_iter().map(|webhook| webhook.fault).collect();
    assert_eq!(faults, [Some(WebhookFault::Forged), None]);
}

#[tokio::test]
async fn any_payment_can_be_sent_as_a_webhook() {
    let (shop, listener) = subscribed(|builder| builder).await;
    shop.simulator.send_webhook(&payment(2500).status(Status::Completed).metadata_1("order-7"));
    assert_eq!(listener.received(1).await[0]["status"], "COMPLETED");
    assert!(shop.simulator.payments().is_empty());
}
