//! An answer of the provider's that isn't about what was asked.

use std::time::Duration;

use athm_core::ids::EcommerceId;
use athm_tests::{
    ProviderScript, ScriptedProvider, TestDatabase, TestServer, TextRecorder, completed_payment, ecommerce_id,
};
use serde_json::{Value, json};

use super::{Target, result};
use crate::Database;

fn completed(id: EcommerceId) -> Value {
    json!({ "ecommerceStatus": "COMPLETED", "ecommerceId": id, "referenceNumber": "12-ab", "total": 25, "businessCustomerId": "ours" })
}

#[tokio::test]
async fn a_find_answer_for_another_id_completes_neither() {
    let provider = ScriptedProvider::start(|_| ProviderScript::success(completed(ecommerce_id(2))));
    let (database, recorder) = (Database::default(), TextRecorder::new());
    let builder = athm_core::Athm::builder()
        .without_credential_check()
        .tokens("the public token", "the private token")
        .api_url(provider.url());
    let athm =
        builder.database_url(TestDatabase::url(&database)).dispatcher(recorder.listening()).start().await.unwrap();
    let server = TestServer::start(&athm);

    let claim = json!({ "ecommerceId": ecommerce_id(1), "status": "COMPLETED" });
    assert_eq!(server.json("/athm/callback", &claim).await, result(202, "pending"));
    athm.idle().await;
    assert_eq!(recorder.noted(), [""; 0]);
    for id in [ecommerce_id(1), ecommerce_id(2)] {
        assert_eq!(athm.transaction_by_ecommerce_id(&id).await.unwrap(), None);
    }
    athm.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_find_answer_without_an_id_or_for_another_business_completes_nothing() {
    let provider = ScriptedProvider::start(|asked| {
        let id = asked.body["ecommerceId"].as_str().and_then(|id| id.parse().ok()).unwrap_or(ecommerce_id(1));
        let mut answer = completed(id);
        match id {
            _ if id == ecommerce_id(1) => answer["ecommerceId"] = Value::Null,
            _ if id == ecommerce_id(2) => answer["businessCustomerId"] = json!("theirs"),
            _ if id == ecommerce_id(3) => answer["businessCustomerId"] = Value::Null,
            _ => {}
        }
        ProviderScript::success(answer)
    });
    let (database, recorder) = (Database::default(), TextRecorder::new());
    let builder = athm_core::Athm::builder()
        .without_credential_check()
        .tokens("the public token", "the private token")
        .api_url(provider.url());
    let builder =
        builder.business_id("ours").database_url(TestDatabase::url(&database)).dispatcher(recorder.listening());
    let athm = builder.start().await.unwrap();
    let server = TestServer::start(&athm);
    for (n, answered) in [(1, result(202, "pending")), (2, result(422, "refused")), (3, result(422, "refused"))] {
        let claim = json!({ "ecommerceId": ecommerce_id(n), "status": "COMPLETED" });
        assert_eq!(server.json("/athm/callback", &claim).await, answered, "{n}");
        assert_eq!(athm.transaction_by_ecommerce_id(&ecommerce_id(n)).await.unwrap(), None);
    }
    athm.idle().await;
    assert_eq!(recorder.noted(), [""; 0]);
    let claim = json!({ "ecommerceId": ecommerce_id(4), "status": "COMPLETED" });
    assert_eq!(server.json("/athm/callback", &claim).await, result(201, "recorded"));
    athm.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_payment_to_another_business_completes_nothing() {
    let target = Target::open_with(|builder| builder.business_id("ours")).await;
    let theirs = target.fixture.simulator.insert(completed_payment().business_id("theirs"));
    let ours = target.fixture.simulator.insert(completed_payment().business_id("ours"));
    assert_eq!(target.callback(json!({ "ecommerceId": theirs, "status": "COMPLETED" })).await, result(422, "refused"));
    assert_eq!(target.rows().await, 0);
    assert_eq!(target.callback(json!({ "ecommerceId": ours, "status": "COMPLETED" })).await, result(201, "recorded"));
}
