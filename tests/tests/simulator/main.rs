//! The simulator, called over HTTP like the provider and controlled by its handle.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod control;
mod false_answers;
mod faults;
mod guard;
mod lag;
mod life;
mod money;
mod oddities;
mod payments;
mod shared_time;
mod webhooks;

use athm_core::Amount;
use athm_core::ids::EcommerceId;
use athm_simulator::{SimulatedPayment, Simulator};
use athm_tests::http_client;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// A simulator, and a merchant's HTTP client.
struct Shop {
    simulator: Simulator,
    client: Client,
}

impl Shop {
    async fn open() -> Self {
        Self::with(Simulator::start().await.unwrap())
    }

    fn with(simulator: Simulator) -> Self {
        Self { simulator, client: http_client() }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.simulator.url()))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.simulator.url()))
    }

    fn ecommerce(&self, path: &str) -> RequestBuilder {
        self.post(&format!("/api/business-transaction/ecommerce{path}"))
    }

    /// Opens a payment of 27.86; its id, and the token that authorizes it.
    async fn create(&self) -> (EcommerceId, String) {
        let body = json!({
            "env": "production", "publicToken": "public", "timeout": "300", "total": "27.86", "tax": 2.87, "subtotal": "24.99",
            "metadata1": "order-7", "metadata2": "web",
            "items": [{"name": "Mug", "description": "Blue", "quantity": "1", "price": "24.99", "tax": null, "metadata": null}],
        });
        let answer = json_of(self.ecommerce("/payment").json(&body)).await;
        assert_eq!(answer["status"], "success", "{answer}");
        let data = answer["data"].as_object().unwrap();
        assert_eq!(data.keys().collect::<Vec<_>>(), ["auth_token", "ecommerceId"]);
        (text(&answer["data"]["ecommerceId"]).parse().unwrap(), text(&answer["data"]["auth_token"]))
    }

    async fn find(&self, id: &EcommerceId) -> Value {
        let body = json!({ "ecommerceId": id.to_string(), "publicToken": "public" });
        json_of(self.ecommerce("/business/findPayment").json(&body)).await
    }

    async fn status(&self, id: &EcommerceId) -> String {
        text(&self.find(id).await["data"]["ecommerceStatus"])
    }

    async fn authorize(&self, token: &str) -> Value {
        json_of(self.ecommerce("/authorization").bearer_auth(token)).await
    }

    async fn search(&self, mut query: Value) -> Value {
        query["publicToken"] = json!("public");
        query["privateToken"] = json!("private");
        json_of(self.post("/api/v4/searchTransaction").json(&query)).await
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

async fn json_of(request: RequestBuilder) -> Value {
    send(request).await.json().await.unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("expected a text, found {value}")).to_owned()
}

fn payment(cents: i64) -> SimulatedPayment {
    SimulatedPayment::new(Amount::from_cents(cents))
}

#[ctor::ctor(unsafe)]
fn search_the_log() {
    athm_tests::secrecy::watch();
}
