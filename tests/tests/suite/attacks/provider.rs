//! An answer of the provider's that isn't about what was asked.

use std::time::Duration;

use athm_core::EcommerceId;
use athm_tests::{Backend, Recorder, Script, Scripted, Served, paid, ticket};
use serde_json::{Value, json};

use super::{Target, result};
use crate::Database;

fn completed(id: EcommerceId) -> Value {
    json!({ "ecommerceStatus": "COMPLETED", "ecommerceId": id, "referenceNumber": "12-ab", "total": 25, "businessCustomerId": "ours" })
}

#[tokio::test]
async fn a_find_answer_for_another_id_completes_neither() {
    let provider = Scripted::start(|_| Script::success(completed(ticket(2))));
    let (database, recorder) = (Database::default(), Recorder::new());
    let builder = athm_core::Athm::builder().tokens("the public token", "the private token").api_url(provider.url());
    let athm = builder.database_url(Backend::url(&database)).dispatcher(recorder.listening()).start().await.unwrap();
    let served = Served::start(&athm);

    let claim = json!({ "ecommerceId": ticket(1), "status": "COMPLETED" });
    assert_eq!(served.json("/athm/callback", &claim).await, result(202, "pending"));
    athm.idle().await;
    assert_eq!(recorder.noted(), [""; 0]);
    for id in [ticket(1), ticket(2)] {
        assert_eq!(athm.transaction_by_ecommerce_id(&id).await.unwrap(), None);
    }
    athm.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_find_answer_without_an_id_or_for_another_business_completes_nothing() {
    let provider = Scripted::start(|asked| {
        let id = asked.body["ecommerceId"].as_str().and_then(|id| id.parse().ok()).unwrap_or(ticket(1));
        let mut answer = completed(id);
        match id {
            _ if id == ticket(1) => answer["ecommerceId"] = Value::Null,
            _ if id == ticket(2) => answer["businessCustomerId"] = json!("theirs"),
            _ if id == ticket(3) => answer["businessCustomerId"] = Value::Null,
            _ => {}
        }
        Script::success(answer)
    });
    let (database, recorder) = (Database::default(), Recorder::new());
    let builder = athm_core::Athm::builder().tokens("the public token", "the private token").api_url(provider.url());
    let builder = builder.business_id("ours").database_url(Backend::url(&database)).dispatcher(recorder.listening());
    let athm = builder.start().await.unwrap();
    let served = Served::start(&athm);
    for (n, answered) in [(1, result(202, "pending")), (2, result(422, "refused")), (3, result(422, "refused"))] {
        let claim = json!({ "ecommerceId": ticket(n), "status": "COMPLETED" });
        assert_eq!(served.json("/athm/callback", &claim).await, answered, "{n}");
        assert_eq!(athm.transaction_by_ecommerce_id(&ticket(n)).await.unwrap(), None);
    }
    athm.idle().await;
    assert_eq!(recorder.noted(), [""; 0]);
    let claim = json!({ "ecommerceId": ticket(4), "status": "COMPLETED" });
    assert_eq!(served.json("/athm/callback", &claim).await, result(201, "recorded"));
    athm.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_payment_to_another_business_pays_no_order_of_ours() {
    let target = Target::open_with(|builder| builder.business_id("ours")).await;
    let theirs = target.business.simulator.insert(paid().business_id("theirs"));
    let ours = target.business.simulator.insert(paid().business_id("ours"));
    assert_eq!(target.callback(json!({ "ecommerceId": theirs, "status": "COMPLETED" })).await, result(422, "refused"));
    assert_eq!(target.rows().await, 0);
    assert_eq!(target.callback(json!({ "ecommerceId": ours, "status": "COMPLETED" })).await, result(201, "recorded"));
}
