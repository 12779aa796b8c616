//! Whatever is wrong is found, under the right name, and nothing else.

use athm_actix::Amount;
use athm_simulator::{Effect as Outcome, Endpoint, TestPhone};
use serde_json::json;

use super::*;

/// A payment of the simulator's, and what is kept of it: all as it should be.
struct Scene {
    simulator: Simulator,
    id: EcommerceId,
    name: String,
    rows: Vec<Value>,
    done: Done,
    opened: HashSet<EcommerceId>,
}

impl Scene {
    async fn with(payment: SimulatedPayment, row: Value, effects: &[(&str, &str, i64)]) -> Self {
        let simulator = Simulator::start().await.unwrap();
        let id = simulator.insert(payment.metadata_1("order-1"));
        let payment = simulator.payment(&id).unwrap();
        let key = key_of_the_provider(&payment).unwrap();
        let is_checkout = payment.kind == TransactionKind::Ecommerce;
        let (place, name) = if is_checkout { ("ecommerceId", "order-1") } else { ("reference", key.as_str()) };
        let mut row = row;
        row[place] = json!(key);
        let effect = |(n, (receiver, signal, cents)): (usize, &(&str, &str, i64))| {
            let effect = Effect { receiver: (*receiver).into(), signal: (*signal).into(), cents: *cents };
            (n.to_string(), effect)
        };
        let keys = effects.iter().enumerate().map(effect).collect();
        let done = Done::from([(name.to_owned(), keys)]);
        Self { name: name.to_owned(), simulator, id, rows: vec![row], done, opened: HashSet::new() }
    }

    /// A checkout of which a part was given back.
    async fn refunded() -> Self {
        let payment = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed);
        let row = json!({ "status": "completed", "total": 2500, "fee": 56, "net": 2444, "refunded": 700 });
        let effects = [("steady", "completed", 2500), ("shaky", "completed", 2500), ("refunds", "refunded", 700)];
        Self::with(payment.refunded_amount(Amount::from_cents(700)), row, &effects).await
    }

    async fn cancelled() -> Self {
        let payment = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Cancelled);
        let row = json!({ "status": "expired", "total": 2500, "fee": 0, "net": 0, "refunded": 0 });
        Self::with(payment, row, &[("steady", "expired", 2500)]).await
    }

    async fn donated() -> Self {
        let payment = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed);
        let payment = payment.kind(TransactionKind::Donation).refunded_amount(Amount::from_cents(700));
        let row = json!({ "status": "completed", "total": 2500, "fee": 56, "net": 2444, "refunded": 700 });
        let effects = [("till", "received", 2500), ("till", "received", 2500), ("refunds", "refunded", 700)];
        Self::with(payment, row, &effects).await
    }

    async fn all() -> [Self; 3] {
        [Self::refunded().await, Self::cancelled().await, Self::donated().await]
    }

    fn audit(&self) -> Findings {
        audit(&self.simulator, &Books { rows: &self.rows, done: &self.done, opened: &self.opened })
    }

    fn keys(&mut self) -> &mut HashMap<String, Effect> {
        self.done.get_mut(&self.name).unwrap()
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) {
        let url = format!("{}/api/business-transaction/ecommerce/{path}", self.simulator.url());
        let request = athm_tests::http_client().post(url).bearer_auth(token.unwrap_or_default());
        request.json(&body).send().await.unwrap();
    }

    async fn authorize(&self) {
        self.post("authorization", self.simulator.auth_token(&self.id).as_deref(), json!({})).await;
    }

    async fn find(&self) {
        self.post("business/findPayment", None, json!({ "ecommerceId": self.id, "publicToken": "p" })).await;
    }
}

#[tokio::test]
async fn matching_records_give_no_finding() {
    for scene in Scene::all().await {
        assert_eq!(scene.audit(), Findings::default());
    }
}

#[tokio::test]
async fn a_different_amount_status_or_row_count_is_a_mismatch() {
    for mut scene in Scene::all().await {
        let row = scene.rows[0].clone();
        for field in ["total", "fee", "net", "refunded"] {
            scene.rows[0][field] = json!(row[field].as_i64().unwrap() + 1);
            assert_eq!(scene.audit().state_mismatches, 1, "{field}");
            scene.rows[0] = row.clone();
        }
        scene.rows[0]["status"] = json!("confirmed");
        assert_eq!(scene.audit().state_mismatches, 1);
        scene.rows = vec![row.clone(), row.clone()];
        assert_eq!(scene.audit().state_mismatches, 1);
        let invented = json!({ "ecommerceId": uuid::Uuid::now_v7().to_string(), "status": "open" });
        scene.rows = vec![row, invented];
        assert_eq!(scene.audit().state_mismatches, 1);
    }
}

#[tokio::test]
async fn a_payment_that_is_not_recorded_is_a_mismatch_unless_its_id_never_arrived() {
    let mut paid = Scene::refunded().await;
    paid.rows.clear();
    assert_eq!(paid.audit().state_mismatches, 1);
    let mut unpaid = Scene::cancelled().await;
    unpaid.rows.clear();
    assert_eq!(unpaid.audit(), Findings::default());
    unpaid.opened.insert(unpaid.id);
    assert_eq!(unpaid.audit().state_mismatches, 1);
}

#[tokio::test]
async fn each_missing_signal_is_found() {
    for mut scene in Scene::all().await {
        for (key, effect) in scene.keys().clone() {
            // Without the refund, its share of what was received is one too many.
            let doubled = usize::from(effect.receiver == "refunds" && scene.name != "order-1");
            scene.keys().remove(&key);
            let found = scene.audit();
            assert_eq!((found.signals_missing, found.signals_doubled), (1, doubled), "{effect:?}");
            scene.keys().insert(key, effect);
        }
    }
}

#[tokio::test]
async fn each_duplicate_signal_is_found() {
    for mut scene in Scene::all().await {
        for effect in scene.keys().clone().into_values() {
            let missing = usize::from(effect.receiver == "refunds" && scene.name != "order-1");
            scene.keys().insert("again".to_owned(), effect.clone());
            let found = scene.audit();
            assert_eq!((found.signals_missing, found.signals_doubled), (missing, 1), "{effect:?}");
            scene.keys().remove("again");
        }
    }
    // Recorded as cancelled, and expired at the provider.
    let mut cancelled = Scene::cancelled().await;
    let other = Effect { receiver: "steady".into(), signal: "cancelled".into(), cents: 2500 };
    cancelled.keys().insert("other".to_owned(), other);
    assert_eq!(cancelled.audit().signals_doubled, 1);
}

#[tokio::test]
async fn an_authorization_repeated_without_a_readable_answer_in_between_is_found() {
    let scene = Scene::refunded().await;
    scene.authorize().await;
    scene.find().await;
    scene.authorize().await;
    assert_eq!(scene.audit().money_calls_repeated, 0);
    scene.simulator.fail_next(Endpoint::Find, Fault::InternalError(Outcome::Done));
    scene.find().await;
    scene.authorize().await;
    assert_eq!(scene.audit().money_calls_repeated, 1);
}

#[tokio::test]
async fn an_authorization_may_follow_only_a_refusal_that_arrived() {
    let scene = Scene::cancelled().await;
    let mut over_limit = SimulatedPayment::new(Amount::from_cents(2500)).ecommerce_id(scene.id);
    over_limit.customer.phone = Some(TestPhone::OverLimit.number().to_owned());
    let authorize = async || {
        scene.simulator.insert(over_limit.clone().status(Status::Confirmed));
        scene.authorize().await;
        scene.audit().money_calls_repeated
    };
    let heard = [authorize().await, authorize().await, authorize().await];
    assert_eq!(heard, [0, 0, 0]);
    for fault in [Fault::Unauthorized, Fault::Forbidden] {
        scene.simulator.fail_next(Endpoint::Authorize, fault);
        assert_eq!(authorize().await, 0);
    }
    // Nothing repeats a firewall's page blindly.
    scene.simulator.fail_next(Endpoint::Authorize, Fault::FirewallPage);
    assert_eq!(authorize().await, 0);
    scene.find().await;
    scene.simulator.fail_next(Endpoint::Authorize, Fault::InternalError(Outcome::Done));
    assert_eq!(authorize().await, 0);
    // The refusal was lost on its way.
    assert_eq!(authorize().await, 1);
    // That it isn't confirmed is what a payment answers that has just been paid, too.
    scene.authorize().await;
    assert_eq!(authorize().await, 2);
}

#[tokio::test]
async fn a_refund_that_is_sent_twice_is_found() {
    let scene = Scene::refunded().await;
    let reference = scene.simulator.payment(&scene.id).unwrap().reference_number.unwrap().to_string();
    for (amount, repeated) in [("1.00", 0), ("2.00", 0), ("1.00", 1)] {
        let body = json!({ "publicToken": "p", "privateToken": "p", "referenceNumber": reference, "amount": amount });
        scene.simulator.fail_next(Endpoint::Refund, Fault::Reject { code: String::from("BTRA_0030") });
        scene.post("refund", None, body).await;
        assert_eq!(scene.audit().money_calls_repeated, repeated);
    }
}
