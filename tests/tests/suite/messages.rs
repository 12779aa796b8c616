//! Messages as they came: stored however they are answered, listed, pruned, and run again.

use std::time::Duration;

use athm_core::errors::ReprocessError;
use athm_core::messages::{Envelope, MessageQuery, MessageState, StoredMessage};
use athm_core::{Amount, Athm, MessageResult, NewPayment, Sender};
use athm_simulator::Outage;
use athm_tests::{SqliteDatabase, TestDatabase, TestServer, completed_payment, ecommerce_id};
use serde_json::json;

use crate::SimulatorFixture;
use crate::log::Log;

/// A merchant whose routes are mounted.
struct Shop {
    fixture: SimulatorFixture,
    server: TestServer,
}

impl Shop {
    async fn open() -> Self {
        Self::serve(SimulatorFixture::open().await)
    }

    fn serve(fixture: SimulatorFixture) -> Self {
        Self { server: TestServer::start_with(&fixture.athm, true, |scope| scope.limit(100_000)), fixture }
    }

    async fn post(&self, path: &str, content_type: &'static str, body: impl Into<Vec<u8>>) -> u16 {
        let request = self.server.post(path).header("Content-Type", content_type).body(body.into());
        self.server.answer(request).await.0
    }

    async fn stored(&self) -> Vec<StoredMessage> {
        list(&self.fixture.athm, MessageQuery::new()).await
    }
}

async fn list(athm: &Athm, query: MessageQuery) -> Vec<StoredMessage> {
    athm.idle().await;
    athm.messages().list(query).await.unwrap().into_messages()
}

fn states(messages: &[StoredMessage]) -> Vec<(u16, &'static str)> {
    messages.iter().map(|message| (message.answer, message.state.as_str())).collect()
}

#[tokio::test]
async fn a_recorded_message_is_stored_as_it_came_with_the_payment_that_it_led_to() {
    let shop = Shop::open().await;
    let id = shop.fixture.simulator.insert(completed_payment());
    let body = format!(r#"{{ "ecommerceId": "{id}", "status": "COMPLETED", "name": "Zoraida" }}"#);
    assert_eq!(shop.post("/athm/callback", "application/json; charset=utf-8", body.clone()).await, 201);
    let [message] = &shop.stored().await[..] else { panic!() };
    let payment = shop.fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
    assert_eq!((message.state, message.answer), (MessageState::Recorded, 201));
    assert_eq!((&message.body[..], message.size), (body.as_bytes(), body.len() as u64));
    assert_eq!(message.content_type.as_deref(), Some("application/json; charset=utf-8"));
    assert_eq!((message.remote_address.as_deref(), &message.sender), (Some("127.0.0.1"), &Sender::CALLBACK));
    assert_eq!((message.transaction_id, message.reason.as_deref()), (Some(payment.id()), None));
    assert_eq!(message.received_at, shop.fixture.clock.now());
    assert!(!format!("{message:?}").contains("Zoraida"));
}

#[tokio::test]
async fn whatever_is_answered_with_an_error_is_stored_with_the_reason() {
    let shop = Shop::open().await;
    for (path, content_type, body, answer, reason) in [
        ("/athm/callback", "application/json", b"{".to_vec(), 400, "expected JSON"),
        ("/athm/callback", "application/json", br#"{"ecommerceId":"Zoraida"}"#.to_vec(), 400, "ecommerceId: expected"),
        ("/athm/webhook/", "image/png", b"PNG".to_vec(), 415, "found another type"),
        ("/athm/callback", "application/json", vec![b' '; 100_001], 413, "the body is longer than 100000 bytes"),
        ("/athm/webhook/unknown", "application/json", b"{}".to_vec(), 404, "404 Not Found"),
        (
            "/athm/callback",
            "application/json",
            json!({ "ecommerceId": ecommerce_id(7), "status": "COMPLETED" }).to_string().into_bytes(),
            422,
            "",
        ),
    ] {
        assert_eq!(shop.post(path, content_type, body.clone()).await, answer, "{path}");
        let message = shop.stored().await.remove(0);
        assert_eq!((message.state, message.answer), (MessageState::Refused, answer), "{path}");
        let found = message.reason.as_deref().unwrap_or_default();
        assert!(found.contains(reason) && !found.contains("Zoraida"), "{found}");
        assert_eq!(message.size, body.len() as u64, "{path}");
        let is_read = !matches!(answer, 404 | 413);
        assert_eq!(message.body, if is_read { body } else { Vec::new() }, "{path}");
        shop.fixture.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(shop.server.answer(shop.server.get("/athm/callback")).await.0, 405);
    assert_eq!(states(&shop.stored().await)[0], (405, "refused"));
}

#[tokio::test]
async fn a_message_that_names_no_payment_is_stored_before_it_is_answered() {
    let shop = Shop::open().await;
    assert_eq!(shop.post("/athm/callback", "application/json", "{}").await, 200);
    let stored = shop.fixture.athm.messages().list(MessageQuery::new()).await.unwrap().into_messages();
    assert_eq!(states(&stored), [(200, "unmatched")]);
    assert_eq!(stored[0].reason.as_deref(), Some("it names no payment"));
}

#[tokio::test]
async fn the_first_64_kib_of_a_long_message_are_stored_and_it_cannot_be_run_again() {
    let shop = Shop::open().await;
    let body = json!({ "description": "x".repeat(70_000) }).to_string();
    assert_eq!(shop.post("/athm/callback", "application/json", body.clone()).await, 200);
    let message = shop.stored().await.remove(0);
    assert_eq!((message.body.len(), message.size), (65_536, body.len() as u64));
    assert!(body.as_bytes().starts_with(&message.body) && !message.is_complete());
    let again = shop.fixture.athm.messages().reprocess(message.id).await;
    assert!(matches!(again, Err(ReprocessError::Incomplete { stored: 65_536, .. })), "{again:?}");
}

#[tokio::test]
async fn messages_are_listed_by_state_payment_and_time_a_page_at_a_time() {
    let shop = Shop::open().await;
    let start = shop.fixture.clock.now();
    let ids: Vec<_> = (0..2).map(|_| shop.fixture.simulator.insert(completed_payment())).collect();
    for n in 0..3 {
        for id in &ids {
            shop.fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
        }
        shop.fixture.webhook(json!({ "metadata1": n.to_string() })).await;
        shop.fixture.clock.advance(Duration::from_secs(10));
    }
    let athm = &shop.fixture.athm;
    let all = list(athm, MessageQuery::new()).await;
    assert_eq!(all.len(), 9);
    assert!(all.windows(2).all(|pair| pair[0].received_at >= pair[1].received_at), "newest first");
    let (mut query, mut paged) = (MessageQuery::new().limit(4), Vec::new());
    loop {
        let page = athm.messages().list(query.clone()).await.unwrap();
        paged.extend_from_slice(page.messages());
        let Some(next) = page.next() else { break };
        query = query.after(next);
    }
    assert_eq!(paged, all);

    let payment = athm.transaction_by_ecommerce_id(&ids[0]).await.unwrap().unwrap();
    let of_one = list(athm, MessageQuery::new().transaction(payment.id())).await;
    assert_eq!(states(&of_one), [(200, "recorded"), (200, "recorded"), (201, "recorded")]);
    let unmatched = MessageQuery::new().state(MessageState::Unmatched);
    assert_eq!(list(athm, unmatched.clone()).await.len(), 3);
    assert!(list(athm, unmatched.clone().transaction(payment.id())).await.is_empty());
    let second = start + Duration::from_secs(10);
    assert_eq!(list(athm, unmatched.since(second).until(second + Duration::from_secs(1))).await.len(), 1);
    assert_eq!(list(athm, MessageQuery::new().until(second)).await.len(), 3);
    assert_eq!(athm.messages().get(all[4].id).await.unwrap().as_ref(), Some(&all[4]));
}

#[tokio::test]
async fn a_pending_message_tells_what_became_of_it() {
    let shop = Shop::open().await;
    let (kept, lost) = (shop.fixture.simulator.insert(completed_payment()), ecommerce_id(9));
    shop.fixture.simulator.fail_with(Outage::Unavailable);
    for id in [&kept, &kept, &lost] {
        let pending = shop.fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
        assert_eq!(pending, MessageResult::Pending);
    }
    assert_eq!(states(&shop.stored().await), [(202, "pending"); 3]);
    shop.fixture.simulator.recover();
    athm_tests::advance_until(&shop.fixture.clock, async || {
        shop.stored().await.iter().all(|message| message.state != MessageState::Pending)
    })
    .await;
    let stored = shop.stored().await;
    assert_eq!(states(&stored), [(202, "refused"), (202, "recorded"), (202, "recorded")]);
    let payment = shop.fixture.athm.transaction_by_ecommerce_id(&kept).await.unwrap().unwrap();
    assert_eq!(stored[1].transaction_id, Some(payment.id()));
    assert!(stored[0].reason.is_some());
}

#[tokio::test]
async fn a_pending_message_whose_payment_ended_without_it_is_recorded() {
    let shop = Shop::open().await;
    let open = shop.fixture.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.unwrap();
    let id = *open.ecommerce_id().unwrap();
    assert_eq!(
        shop.fixture.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await,
        MessageResult::Pending
    );
    shop.fixture.simulator.decline(&id).unwrap();
    shop.fixture.athm.refresh(open.id()).await.unwrap();
    assert_eq!(states(&shop.stored().await), [(202, "recorded")]);
}

#[tokio::test]
async fn a_refused_message_is_run_again_once_the_provider_knows_its_payment() {
    let shop = Shop::open().await;
    let message = json!({ "ecommerceId": ecommerce_id(5), "status": "COMPLETED" });
    assert_eq!(shop.fixture.webhook(message).await, MessageResult::Refused);
    let refused = shop.stored().await.remove(0);
    shop.fixture.simulator.insert(completed_payment().ecommerce_id(ecommerce_id(5)));
    let messages = shop.fixture.athm.messages();
    assert_eq!(messages.reprocess(refused.id).await.unwrap(), MessageResult::Recorded);
    assert_eq!(messages.reprocess(refused.id).await.unwrap(), MessageResult::Known);
    assert_eq!(shop.fixture.noted().await, ["received by webhook", "completed by webhook"]);
    let [message] = &shop.stored().await[..] else { panic!("the same message") };
    let payment = shop.fixture.athm.transaction_by_ecommerce_id(&ecommerce_id(5)).await.unwrap().unwrap();
    assert_eq!((message.state, message.answer, &message.reason), (MessageState::Recorded, 422, &None));
    assert_eq!(message.transaction_id, Some(payment.id()));

    shop.post("/athm/callback", "application/json", "{").await;
    let unreadable = shop.stored().await.into_iter().find(|message| message.answer == 400).unwrap();
    assert!(matches!(messages.reprocess(unreadable.id).await, Err(ReprocessError::Unreadable(_))));
    shop.fixture.database().execute("DELETE FROM athm_message");
    assert!(matches!(messages.reprocess(refused.id).await, Err(ReprocessError::NotFound)));
}

#[tokio::test]
async fn refused_messages_are_kept_for_a_week_and_recorded_ones_for_a_month() {
    let shop = Shop::open().await;
    let id = shop.fixture.simulator.insert(completed_payment());
    shop.fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
    shop.fixture.webhook(json!({ "ecommerceId": ecommerce_id(5), "status": "COMPLETED" })).await;
    shop.fixture.webhook(json!({})).await;
    let day = Duration::from_secs(24 * 60 * 60);
    let left = async |count: usize| {
        athm_tests::advance_until(&shop.fixture.clock, async || shop.stored().await.len() == count).await;
    };
    left(3).await;
    shop.fixture.clock.advance(7 * day);
    left(1).await;
    shop.fixture.clock.advance(23 * day);
    left(0).await;
}

#[tokio::test]
async fn without_retention_nothing_is_stored_and_everything_is_recorded() {
    let fixture = SimulatorFixture::open_with(|builder| {
        builder.keep_recorded_messages_for(Duration::ZERO).keep_refused_messages_for(Duration::ZERO)
    });
    let shop = Shop::serve(fixture.await);
    let id = shop.fixture.simulator.insert(completed_payment());
    let body = json!({ "ecommerceId": id, "status": "COMPLETED" }).to_string();
    assert_eq!(shop.post("/athm/callback", "application/json", body).await, 201);
    assert_eq!(shop.post("/athm/callback", "application/json", "{").await, 400);
    assert_eq!(shop.post("/athm/callback", "application/json", "{}").await, 200);
    assert!(shop.stored().await.is_empty());
    assert_eq!(shop.fixture.noted().await, ["received by callback", "completed by callback"]);
    assert_eq!(shop.fixture.athm.messages().shed(), 0);
}

#[tokio::test]
async fn copies_are_stored_at_a_shutdown() {
    let mut fixture = SimulatorFixture::open().await;
    let id = fixture.simulator.insert(completed_payment());
    fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
    fixture.restart().await;
    assert_eq!(states(&list(&fixture.athm, MessageQuery::new()).await), [(201, "recorded")]);
}

#[tokio::test]
async fn personal_data_of_a_message_is_in_its_copy_alone() {
    let fixture = athm_tests::SimulatorFixture::<SqliteDatabase>::open_with(|builder| {
        builder.keep_recorded_messages_for(Duration::ZERO).keep_refused_messages_for(Duration::ZERO)
    });
    let fixture = fixture.await;
    let id = fixture.simulator.insert(completed_payment());
    fixture.simulator.fail_with(Outage::Unavailable);
    let personal = json!({ "ecommerceId": id, "status": "COMPLETED", "name": "Zoraida", "metadata2": "kept-nowhere" });
    assert_eq!(fixture.callback(personal.clone()).await, MessageResult::Pending);
    fixture.simulator.recover();
    assert_eq!(fixture.callback(personal).await, MessageResult::Recorded);
    fixture.stop().await;
    let file = std::fs::read(fixture.database().path()).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&id.to_string()[..8]) || holds("order-7"), "the payment is there");
    assert!(!holds("Zoraida") && !holds("kept-nowhere"));
}

#[tokio::test]
async fn a_lane_that_is_full_loses_its_oldest_messages_and_no_other_lane_does() {
    let shop = Shop::open().await;
    let id = shop.fixture.simulator.insert(completed_payment());
    shop.fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
    let junk = async || {
        shop.fixture.clock.advance(Duration::from_secs(1));
        shop.fixture.webhook(json!({ "metadata1": "junk" })).await;
    };
    for _ in 0..3 {
        junk().await;
    }
    // As if the newest one was as large as the lane.
    let grow = "UPDATE athm_message SET ends_at = ends_at + 67108864 \
                WHERE received_at = (SELECT max(received_at) FROM athm_message)";
    shop.fixture.athm.idle().await;
    shop.fixture.database().execute(grow);
    junk().await;
    assert_eq!(states(&shop.stored().await), [(200, "unmatched"), (200, "unmatched"), (201, "recorded")]);
}

#[tokio::test]
async fn what_was_answered_with_an_error_is_a_line_without_contents_ten_times_a_second() {
    let fixture = SimulatorFixture::open().await;
    let (log, messages) = (Log::default(), fixture.athm.messages());
    let _logging = log.listen();
    let envelope = || Envelope::new(&b"name=Zoraida"[..]).remote_address("192.0.2.7".parse().unwrap());
    athm_tests::eventually(async || {
        messages.note(Sender::WEBHOOK, envelope(), 400, Some("expected JSON"));
        !log.lines("expected JSON").is_empty()
    })
    .await;
    let line = log.lines("expected JSON").remove(0);
    for part in ["WARN", "route=webhook", "answer=400", "size=12", "remote=192.0.2.7"] {
        assert!(line.contains(part), "{line}");
    }
    let start = std::time::Instant::now();
    for _ in 0..100 {
        messages.note(Sender::WEBHOOK, envelope(), 400, Some("as often as it comes"));
    }
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 2;
    assert!(log.lines("as often as it comes").len() <= 10 * seconds);
    assert!(!log.text().contains("Zoraida"));
    // An answer below 400 is no line.
    athm_tests::eventually(async || {
        // The flood above may leave no room for a copy yet.
        messages.note(Sender::CALLBACK, envelope(), 303, None);
        !list(&fixture.athm, MessageQuery::new().state(MessageState::Recorded)).await.is_empty()
    })
    .await;
    assert!(log.lines("303").is_empty());
}
