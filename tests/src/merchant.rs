//! A merchant with one payment, at a provider that fails where a test says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use athm_core::provider::Client;
use athm_core::testing::Clock;
use athm_core::testing::{BuilderExt as _, ClientBuilderExt as _};
use athm_core::{Amount, Athm, AthmBuilder, NewPayment, Transaction};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::secrecy;
use crate::{
    ProviderScript, RecordedRequest, ScriptedProvider, SqliteDatabase, TestDatabase, TextRecorder, ecommerce_id,
};

/// What goes wrong with one request to the provider.
#[derive(Debug, Clone)]
pub enum MerchantFault {
    /// The request has no effect; the response is an error page.
    RequestLost,
    /// The request has its effect; the response is an error page.
    ResponseLost,
    /// The provider refuses the request with this code.
    Refused(&'static str),
    /// The request has its effect; the response waits for the notification.
    ResponseHeld(Arc<Notify>),
    /// The request waits for the notification and is then lost, without an effect.
    RequestHeld(Arc<Notify>),
}

/// The provider's state of its one payment, of 25.00.
#[derive(Debug)]
struct ProviderState {
    status: &'static str,
    refunded: i64,
    /// The refunded amount that `find` reports, if it lags behind the real one.
    reported: Option<i64>,
    faults: HashMap<&'static str, MerchantFault>,
}

/// A merchant with one payment of 25.00, at a provider that fails where a test says so.
#[derive(Debug)]
pub struct MerchantFixture<D = SqliteDatabase> {
    /// The provider.
    pub provider: ScriptedProvider,
    /// The handle under test.
    pub athm: Athm,
    /// What the receiver recorded.
    pub recorder: TextRecorder,
    /// A manual clock: only the test advances it.
    pub clock: Clock,
    /// Its database.
    pub database: D,
    state: Arc<Mutex<ProviderState>>,
}

impl<D: TestDatabase> MerchantFixture<D> {
    /// Starts the handle on an empty database.
    pub async fn open() -> Self {
        Self::open_with(|builder| builder).await
    }

    /// Starts the handle on an empty database, with the builder adapted.
    pub async fn open_with(adapt: impl FnOnce(AthmBuilder) -> AthmBuilder) -> Self {
        let state = ProviderState { status: "OPEN", refunded: 0, reported: None, faults: HashMap::new() };
        let state = Arc::new(Mutex::new(state));
        let provider = ScriptedProvider::start({
            let state = Arc::clone(&state);
            move |request| answer(&mut lock(&state), request)
        });
        let (database, recorder, clock) = (D::default(), TextRecorder::new(), Clock::manual());
        let builder = adapt(builder(&provider, &database, &recorder, &clock));
        let athm = builder.start().await.expect("it starts");
        Self { provider, athm, recorder, clock, database, state }
    }

    /// Another handle on the same database, as in another process.
    pub async fn another(&self) -> Athm {
        let builder = builder(&self.provider, &self.database, &self.recorder, &self.clock);
        builder.start().await.expect("it starts")
    }

    /// Stops the handle without a grace period and starts it again.
    pub async fn crash(&mut self) {
        self.athm.shutdown(Duration::ZERO).await;
        self.athm = self.another().await;
    }

    /// Opens the payment.
    pub async fn create(&self) -> Transaction {
        self.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.expect("it is opened")
    }

    /// Opens the payment and completes it.
    pub async fn paid(&self) -> Transaction {
        let open = self.create().await;
        self.approve();
        let paid = self.athm.authorize(open.id()).await.expect("it is paid");
        self.athm.idle().await;
        paid
    }

    /// The customer approves it.
    pub fn approve(&self) {
        self.set_status("CONFIRM");
    }

    /// Sets the payment's status at the provider.
    pub fn set_status(&self, status: &'static str) {
        lock(&self.state).status = status;
    }

    /// The cents that the provider has refunded.
    pub fn refunded(&self) -> i64 {
        lock(&self.state).refunded
    }

    /// Refunds this many cents in the provider's own app.
    pub fn refund_elsewhere(&self, cents: i64) {
        lock(&self.state).refunded += cents;
    }

    /// Sets the refunded amount that `find` reports, in cents; `None` for the real one.
    pub fn report_refunded(&self, cents: Option<i64>) {
        lock(&self.state).reported = cents;
    }

    /// Injects a fault into the next request whose path ends with `path`.
    pub fn fail_next(&self, path: &'static str, fault: MerchantFault) {
        lock(&self.state).faults.insert(path, fault);
    }

    /// Waits until no delivery runs, and returns what the receiver recorded.
    pub async fn noted(&self) -> Vec<String> {
        self.athm.idle().await;
        self.recorder.noted()
    }

    /// Advances the clock second by second until the condition holds.
    pub async fn advance_until(&self, condition: impl AsyncFn() -> bool) {
        crate::advance_until(&self.clock, condition).await;
    }
}

fn builder(
    provider: &ScriptedProvider,
    database: &impl TestDatabase,
    recorder: &TextRecorder,
    clock: &Clock,
) -> AthmBuilder {
    let client = Client::builder("the public token", "the private token").api_url(provider.url());
    let client = client.clock(clock.clone()).build().expect("a client");
    Athm::builder()
        .without_credential_check()
        .without_sweeper()
        .client(client)
        .database_url(database.url())
        .dispatcher(recorder.listening())
        .clock(clock.clone())
}

fn lock(state: &Mutex<ProviderState>) -> MutexGuard<'_, ProviderState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(state: &mut ProviderState, request: &RecordedRequest) -> ProviderScript {
    let page = || ProviderScript::Bytes(502, b"<html>Bad Gateway</html>".to_vec());
    let failing = state.faults.keys().copied().find(|path| request.path.ends_with(path));
    match failing.and_then(|path| state.faults.remove(path)) {
        None => effect(state, request),
        Some(MerchantFault::RequestLost) => page(),
        Some(MerchantFault::ResponseLost) => {
            effect(state, request);
            page()
        }
        Some(MerchantFault::Refused(code)) => ProviderScript::refusal(code),
        Some(MerchantFault::ResponseHeld(go)) => ProviderScript::OnNotify(go, Box::new(effect(state, request))),
        Some(MerchantFault::RequestHeld(go)) => ProviderScript::OnNotify(go, Box::new(page())),
    }
}

fn effect(state: &mut ProviderState, request: &RecordedRequest) -> ProviderScript {
    let last = request.path.rsplit('/').next().unwrap_or_default();
    match (last, state.status) {
        ("payment", _) => {
            ProviderScript::success(json!({ "ecommerceId": ecommerce_id(1), "auth_token": secrecy::AUTH_TOKEN }))
        }
        ("findPayment", _) => ProviderScript::success(payment(state)),
        ("searchTransaction", _) => ProviderScript::Json(200, payment(state)),
        ("authorization", "CONFIRM") => {
            state.status = "COMPLETED";
            ProviderScript::success(payment(state))
        }
        ("authorization", _) => ProviderScript::refusal("BTRA_0032"),
        ("cancel", "OPEN" | "CONFIRM") => {
            state.status = "CANCEL";
            ProviderScript::success(json!("The payment is cancelled."))
        }
        ("cancel", _) => ProviderScript::refusal("BTRA_0037"),
        ("updatePhoneNumber", "OPEN") => ProviderScript::success(json!("The phone is changed.")),
        ("updatePhoneNumber", _) => ProviderScript::refusal("BTRA_0035"),
        ("refund", "COMPLETED") => refund(state, &request.body),
        _ => ProviderScript::refusal("BTRA_0053"),
    }
}

fn refund(state: &mut ProviderState, body: &Value) -> ProviderScript {
    let amount: Amount = body["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount");
    if state.refunded + amount.cents() > 2500 {
        return ProviderScript::Json(200, json!({ "errorCode": "7030", "description": "more than is left" }));
    }
    state.refunded += amount.cents();
    let nth = state.refunded;
    ProviderScript::success(json!({
        "refund": {
            "transactionType": "REFUND", "status": "COMPLETED", "refundedAmount": amount, "date": "1730000000",
            "referenceNumber": format!("refund-{nth}"), "dailyTransactionID": format!("{nth:04}"),
            "name": "Inés Rivera", "phoneNumber": "(787) 555-0199", "email": "ines@example.com",
        },
        "originalTransaction": {
            "transactionType": "PAYMENT", "status": "COMPLETED", "referenceNumber": "12-ab", "total": 25,
            "totalRefundedAmount": Amount::from_cents(state.refunded),
        },
    }))
}

fn payment(state: &ProviderState) -> Value {
    let is_paid = state.status == "COMPLETED";
    json!({
        "ecommerceStatus": state.status, "ecommerceId": ecommerce_id(1), "total": 25,
        "referenceNumber": if is_paid { "12-ab" } else { "" }, "fee": if is_paid { 0.6 } else { 0.0 },
        "totalRefundedAmount": Amount::from_cents(state.reported.unwrap_or(state.refunded)),
        "metadata1": "order-7", "metadata2": "-",
    })
}
