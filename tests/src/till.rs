//! A business whose provider knows one payment, and fails at the moment that a test names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use athm_core::provider::Client;
use athm_core::{Amount, Athm, Builder, Clock, NewPayment, Transaction};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::secrecy;
use crate::{Asked, Backend, Database, Recorder, Script, Scripted, ticket};

/// What goes wrong with a call.
#[derive(Debug, Clone)]
pub enum TillFault {
    /// It never arrives, and an error page comes back.
    Lost,
    /// It has its effect, and an error page comes back.
    Unheard,
    /// It is refused with that code.
    Refused(&'static str),
    /// It has its effect, and the answer is held back until the test lets it go.
    Held(Arc<Notify>),
    /// It waits without an effect until the test lets it go, and is lost then.
    Stuck(Arc<Notify>),
}

/// What the provider knows of its one payment, of 25.00.
#[derive(Debug)]
struct Book {
    status: &'static str,
    refunded: i64,
    /// What `find` says was given back, where it is behind.
    shown: Option<i64>,
    faults: HashMap<&'static str, TillFault>,
}

/// The business.
#[derive(Debug)]
pub struct Till<D = Database> {
    /// The provider.
    pub provider: Scripted,
    /// The handle under test.
    pub athm: Athm,
    /// What its one receiver has noted.
    pub recorder: Recorder,
    /// Its time, which stands still.
    pub clock: Clock,
    /// Its database.
    pub database: D,
    book: Arc<Mutex<Book>>,
}

impl<D: Backend> Till<D> {
    /// Opens it, on an empty database.
    pub async fn open() -> Self {
        let book = Book { status: "OPEN", refunded: 0, shown: None, faults: HashMap::new() };
        let book = Arc::new(Mutex::new(book));
        let provider = Scripted::start({
            let book = Arc::clone(&book);
            move |asked| answer(&mut lock(&book), asked)
        });
        let (database, recorder, clock) = (D::default(), Recorder::new(), Clock::manual());
        let athm = builder(&provider, &database, &recorder, &clock).start().await.expect("it starts");
        Self { provider, athm, recorder, clock, database, book }
    }

    /// Another handle on the same database: another process.
    pub async fn another(&self) -> Athm {
        let builder = builder(&self.provider, &self.database, &self.recorder, &self.clock);
        builder.start().await.expect("it starts")
    }

    /// Stops it in the middle of whatever it does, and starts it again.
    pub async fn crash(&mut self) {
        self.athm.shutdown(Duration::ZERO).await;
        self.athm = self.another().await;
    }

    /// The payment, opened.
    pub async fn create(&self) -> Transaction {
        self.athm.create(NewPayment::new(Amount::from_cents(2500), "order-7")).await.expect("it is opened")
    }

    /// The payment, opened and paid; what that fired is forgotten.
    pub async fn paid(&self) -> Transaction {
        let open = self.create().await;
        self.approve();
        let paid = self.athm.authorize(open.id()).await.expect("it is paid");
        self.athm.idle().await;
        paid
    }

    /// The customer approves it.
    pub fn approve(&self) {
        self.put("CONFIRM");
    }

    /// The provider has it in that status.
    pub fn put(&self, status: &'static str) {
        lock(&self.book).status = status;
    }

    /// What the provider says was given back.
    pub fn refunded(&self) -> i64 {
        lock(&self.book).refunded
    }

    /// Somebody gives so many cents back in the provider's own app.
    pub fn refund_elsewhere(&self, cents: i64) {
        lock(&self.book).refunded += cents;
    }

    /// From now on `find` says that so many cents were given back; `None`: as many as there were.
    pub fn show_refunded(&self, cents: Option<i64>) {
        lock(&self.book).shown = cents;
    }

    /// The next call at the path that ends so goes wrong.
    pub fn fail_next(&self, path: &'static str, fault: TillFault) {
        lock(&self.book).faults.insert(path, fault);
    }

    /// Waits until nothing runs, and tells what was noted.
    pub async fn noted(&self) -> Vec<String> {
        self.athm.idle().await;
        self.recorder.noted()
    }

    /// Lets time pass, a second after another and each in its time, until it has come about.
    pub async fn pass_until(&self, condition: impl AsyncFn() -> bool) {
        crate::pass_until(&self.clock, condition).await;
    }
}

fn builder(provider: &Scripted, database: &impl Backend, recorder: &Recorder, clock: &Clock) -> Builder {
    let client = Client::builder("the public token", "the private token").api_url(provider.url());
    let client = client.clock(clock.clone()).build().expect("a client");
    Athm::builder()
        .without_sweeper()
        .client(client)
        .database_url(database.url())
        .dispatcher(recorder.listening())
        .clock(clock.clone())
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(book: &mut Book, asked: &Asked) -> Script {
    let page = || Script::Bytes(502, b"<html>Bad Gateway</html>".to_vec());
    let failing = book.faults.keys().copied().find(|path| asked.path.ends_with(path));
    match failing.and_then(|path| book.faults.remove(path)) {
        None => effect(book, asked),
        Some(TillFault::Lost) => page(),
        Some(TillFault::Unheard) => {
            effect(book, asked);
            page()
        }
        Some(TillFault::Refused(code)) => Script::refusal(code),
        Some(TillFault::Held(go)) => Script::Held(go, Box::new(effect(book, asked))),
        Some(TillFault::Stuck(go)) => Script::Held(go, Box::new(page())),
    }
}

fn effect(book: &mut Book, asked: &Asked) -> Script {
    let last = asked.path.rsplit('/').next().unwrap_or_default();
    match (last, book.status) {
        ("payment", _) => Script::success(json!({ "ecommerceId": ticket(1), "auth_token": secrecy::TICKET })),
        ("findPayment", _) => Script::success(payment(book)),
        ("searchTransaction", _) => Script::Json(200, payment(book)),
        ("authorization", "CONFIRM") => {
            book.status = "COMPLETED";
            Script::success(payment(book))
        }
        ("authorization", _) => Script::refusal("BTRA_0032"),
        ("cancel", "OPEN" | "CONFIRM") => {
            book.status = "CANCEL";
            Script::success(json!("The payment is cancelled."))
        }
        ("cancel", _) => Script::refusal("BTRA_0037"),
        ("updatePhoneNumber", "OPEN") => Script::success(json!("The phone is changed.")),
        ("updatePhoneNumber", _) => Script::refusal("BTRA_0035"),
        ("refund", "COMPLETED") => refund(book, &asked.body),
        _ => Script::refusal("BTRA_0053"),
    }
}

fn refund(book: &mut Book, body: &Value) -> Script {
    let asked: Amount = body["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount");
    if book.refunded + asked.cents() > 2500 {
        return Script::Json(200, json!({ "errorCode": "7030", "description": "more than is left" }));
    }
    book.refunded += asked.cents();
    let nth = book.refunded;
    Script::success(json!({
        "refund": {
            "transactionType": "REFUND", "status": "COMPLETED", "refundedAmount": asked, "date": "1730000000",
            "referenceNumber": format!("refund-{nth}"), "dailyTransactionID": format!("{nth:04}"),
            "name": "Inés Rivera", "phoneNumber": "(787) 555-0199", "email": "ines@example.com",
        },
        "originalTransaction": {
            "transactionType": "PAYMENT", "status": "COMPLETED", "referenceNumber": "12-ab", "total": 25,
            "totalRefundedAmount": Amount::from_cents(book.refunded),
        },
    }))
}

fn payment(book: &Book) -> Value {
    let is_paid = book.status == "COMPLETED";
    json!({
        "ecommerceStatus": book.status, "ecommerceId": ticket(1), "total": 25,
        "referenceNumber": if is_paid { "12-ab" } else { "" }, "fee": if is_paid { 0.6 } else { 0.0 },
        "totalRefundedAmount": Amount::from_cents(book.shown.unwrap_or(book.refunded)),
        "metadata1": "order-7", "metadata2": "-",
    })
}
