//! Attacks, each by its name, over HTTP: what a stranger posts never makes a receiver run for what isn't so.

mod bodies;
mod checkouts;
mod floods;
mod forgeries;
mod headers;
mod junk;
mod nameless;
mod poisoning;
mod provider;
mod refunds;
mod secrecy;
mod webhook_address;

use athm_core::ids::EcommerceId;
use athm_core::transactions::TransactionQuery;
use athm_core::{Amount, AthmBuilder, Status, Transaction};
use athm_simulator::SimulatedPayment;
use athm_tests::{TestServer, completed_payment};
use serde_json::{Value, json};

use crate::SimulatorFixture;

/// A business whose service strangers reach.
struct Target {
    fixture: SimulatorFixture,
    server: TestServer,
}

impl Target {
    async fn open() -> Self {
        Self::open_with(|builder| builder).await
    }

    async fn open_with(adapt: impl FnOnce(AthmBuilder) -> AthmBuilder) -> Self {
        let fixture = SimulatorFixture::open_with(adapt).await;
        let server = TestServer::start(&fixture.athm);
        Self { fixture, server }
    }

    /// A payment that its buyer has opened, and not paid.
    fn opened(&self) -> EcommerceId {
        self.fixture.simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)).metadata_1("order-7"))
    }

    /// A payment of 25.00 for order-7 that is paid, by a customer whom no answer may tell.
    fn paid(&self) -> EcommerceId {
        self.fixture
            .simulator
            .insert(completed_payment().customer_name("Inés Rivera").customer_email("ines@example.com"))
    }

    /// The provider says from now on that it is paid.
    fn pay(&self, id: EcommerceId) {
        self.fixture.simulator.insert(completed_payment().ecommerce_id(id));
    }

    fn reference(&self, id: &EcommerceId) -> String {
        let payment = self.fixture.simulator.payment(id).expect("the simulator has it");
        payment.reference_number.expect("it is paid").to_string()
    }

    async fn callback(&self, body: Value) -> (u16, Value) {
        self.server.json("/athm/callback", &body).await
    }

    async fn webhook(&self, body: Value) -> (u16, Value) {
        self.server.json("/athm/webhook", &body).await
    }

    async fn recorded(&self, id: &EcommerceId) -> Option<Transaction> {
        self.fixture.athm.transaction_by_ecommerce_id(id).await.unwrap()
    }

    async fn status(&self, id: &EcommerceId) -> Option<Status> {
        self.recorded(id).await.map(|transaction| transaction.status().clone())
    }

    async fn rows(&self) -> usize {
        self.fixture.athm.transactions(TransactionQuery::new()).await.unwrap().transactions().len()
    }

    /// What an attack came to: nothing was fired.
    async fn heard_nothing(&self) {
        assert_eq!(self.fixture.noted().await, [""; 0]);
    }

    /// The genuine message still gets through.
    async fn is_as_good_as_before(&self) {
        let before = self.fixture.noted().await.len();
        let id = self.paid();
        assert_eq!(self.callback(json!({ "ecommerceId": id, "status": "COMPLETED" })).await, result(201, "recorded"));
        assert_eq!(self.fixture.noted().await[before..], ["received by callback", "completed by callback"]);
    }
}

fn result(status: u16, word: &str) -> (u16, Value) {
    (status, json!({ "result": word }))
}

/// A claim about a payment, in the shapes in which one can arrive: JSON of webhooks and of both generations of scripts.
fn shapes(id: &EcommerceId, status: &str) -> [Value; 4] {
    [
        json!({ "ecommerceId": id, "status": status }),
        json!({ "status": "success", "data": { "ecommerceId": id, "ecommerceStatus": status, "total": 25 } }),
        json!({ "transactionType": "ECOMMERCE", "ecommerceId": id, "status": status, "total": "25.00", "name": "" }),
        json!({ "ecommerceId": id.to_string().to_uppercase(), "status": status.to_lowercase(), "items": "[]" }),
    ]
}
