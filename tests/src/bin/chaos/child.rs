//! The program that is put to the test.

use std::io::Write;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_actix::ids::TransactionId;
use athm_actix::problems::ProblemKind;
use athm_actix::provider::Client;
use athm_actix::testing::Clock;
use athm_actix::transactions::TransactionQuery;
use athm_actix::{
    Amount, Athm, Delivery, NewPayment, NewRefund, Refund, Signal, State, Transaction, TransactionKind, receiver,
};
use athm_core::testing::{BuilderExt as _, ClientBuilderExt as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Serve;
use crate::effects::Effects;

/// Of a checkout its order; of anything else its movement of money.
pub(crate) fn name(transaction: &Transaction) -> String {
    match transaction.metadata_1() {
        "" => transaction.reference_number().map(ToString::to_string).unwrap_or_default(),
        order => order.to_owned(),
    }
}

/// Succeeds on the first attempt, unless the process is killed.
#[receiver(completed, cancelled, expired, id = "steady")]
fn steady(
    transaction: &Transaction,
    signal: Signal,
    delivery: Delivery,
    State(effects): State<Effects>,
) -> std::io::Result<()> {
    effects.note("steady", signal, &name(transaction), transaction.total().cents(), delivery)
}

/// Fails the first time for one payment in eight.
#[receiver(completed, id = "shaky", blocking)]
fn shaky(
    transaction: &Transaction,
    signal: Signal,
    delivery: Delivery,
    State(effects): State<Effects>,
) -> Result<(), String> {
    if delivery.attempt() == 1 && delivery.idempotency_key().as_uuid().as_bytes()[15].is_multiple_of(8) {
        return Err(String::from("not the first time"));
    }
    let noted = effects.note("shaky", signal, &name(transaction), transaction.total().cents(), delivery);
    noted.map_err(|error| error.to_string())
}

/// Of app payments and donations, and of what is given back of them.
#[receiver(received, id = "till")]
fn till(
    transaction: &Transaction,
    signal: Signal,
    delivery: Delivery,
    State(effects): State<Effects>,
) -> std::io::Result<()> {
    if *transaction.kind() == TransactionKind::Ecommerce {
        return Ok(());
    }
    effects.note("till", signal, &name(transaction), transaction.total().cents(), delivery)
}

#[receiver(refunded, id = "refunds")]
fn refunds(
    transaction: &Transaction,
    refund: &Refund,
    signal: Signal,
    delivery: Delivery,
    State(effects): State<Effects>,
) -> std::io::Result<()> {
    effects.note("refunds", signal, &name(transaction), refund.amount.cents(), delivery)
}

/// Whether a receiver misbehaves for this order: for one of a hundred, each.
fn is_for(transaction: &Transaction, receiver: u32) -> bool {
    let number = transaction.metadata_1().split('-').nth(1).and_then(|number| number.parse::<u32>().ok());
    number.is_some_and(|number| number % 100 == receiver)
}

/// Whether receivers may end this process.
#[derive(Clone, Copy)]
struct MayEnd(bool);

#[receiver(completed, id = "aborts", attempts = 2)]
fn aborts(transaction: &Transaction, State(may_end): State<MayEnd>) {
    if may_end.0 && is_for(transaction, 10) {
        std::process::abort();
    }
}

#[receiver(completed, id = "exits", attempts = 2)]
fn exits(transaction: &Transaction, State(may_end): State<MayEnd>) {
    if may_end.0 && is_for(transaction, 30) {
        std::process::exit(1);
    }
}

/// It can't be stopped: it holds its slot until the process ends.
#[receiver(completed, id = "hangs", attempts = 2, timeout = "1s", blocking)]
fn hangs(transaction: &Transaction) {
    while is_for(transaction, 50) {
        std::thread::park();
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("dropped by the timeout");
    }
}

#[receiver(completed, id = "panics_in_drop", attempts = 2, timeout = "200ms")]
async fn panics_in_drop(transaction: &Transaction) {
    if is_for(transaction, 70) {
        let _value = PanicsInDrop;
        std::future::pending::<()>().await;
    }
}

pub(crate) fn serve(serve: &Serve) -> Result<(), Box<dyn std::error::Error>> {
    actix_web::rt::System::new().block_on(async {
        let clock = serve.pace.clock();
        let books = Books { from: serve.pace.beginning(), clock: clock.clone() };
        let client =
            Client::builder("public", "private").clock(clock.clone()).api_url(&serve.api_url).timeout(serve.timeout());
        let athm = Athm::builder()
            .client(client.build()?)
            .database_url(&serve.database_url)
            .clock(clock)
            .unknown_payment_rate_limit(1_000, 1_000)
            .authorize_confirmed()
            .state(Effects::in_folder(&serve.folder))
            .state(MayEnd(serve.may_end))
            .start()
            .await?;
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(athm.clone()))
                .app_data(web::Data::new(books.clone()))
                .service(athm_actix::scope("/athm", &athm))
                .route("/orders", web::post().to(order))
                .route("/orders/{id}/authorize", web::post().to(authorize))
                .route("/orders/{id}/cancel", web::post().to(cancel))
                .route("/orders/{id}/refund", web::post().to(refund))
                .route("/accept-mismatches", web::post().to(accept_mismatches))
                .route("/reconcile", web::post().to(reconcile))
                .route("/recorded", web::get().to(recorded))
        });
        let server = server.workers(2).disable_signals().bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        std::io::stdout().flush()?;
        server.run().await?;
        Ok(())
    })
}

async fn order(athm: web::Data<Athm>, order: web::Json<Value>) -> Result<HttpResponse, athm_actix::Error> {
    let cents = order["cents"].as_i64().unwrap_or_default();
    let mut payment = NewPayment::new(Amount::from_cents(cents), order["order"].as_str().unwrap_or_default());
    payment = payment.metadata_2("chaos").timeout(Duration::from_secs(120));
    if let Some(phone) = order["phone"].as_str().and_then(|phone| phone.parse().ok()) {
        payment = payment.phone(phone);
    }
    let transaction = athm.create(payment).await?;
    Ok(HttpResponse::Ok().json(json!({ "id": transaction.id(), "ecommerceId": transaction.ecommerce_id() })))
}

async fn authorize(athm: web::Data<Athm>, id: web::Path<String>) -> Result<HttpResponse, athm_actix::Error> {
    let transaction = athm.authorize(transaction_id(&id)?).await?;
    Ok(HttpResponse::Ok().body(transaction.status().to_string()))
}

async fn cancel(athm: web::Data<Athm>, id: web::Path<String>) -> Result<HttpResponse, athm_actix::Error> {
    let transaction = athm.cancel(transaction_id(&id)?).await?;
    Ok(HttpResponse::Ok().body(transaction.status().to_string()))
}

async fn refund(
    athm: web::Data<Athm>,
    id: web::Path<String>,
    body: web::Json<Value>,
) -> Result<HttpResponse, athm_actix::Error> {
    let cents = body["cents"].as_i64().unwrap_or_default();
    athm.refund(transaction_id(&id)?, NewRefund::partial(Amount::from_cents(cents))).await?;
    Ok(HttpResponse::Ok().finish())
}

/// The time that there are books of.
#[derive(Clone)]
struct Books {
    from: Timestamp,
    clock: Clock,
}

async fn reconcile(athm: web::Data<Athm>, books: web::Data<Books>) -> Result<HttpResponse, athm_actix::Error> {
    let reconciled = athm.reconcile(books.from, books.clock.now()).slice(Duration::from_secs(600)).run().await;
    reconciled.map_err(athm_actix::Error::other)?;
    Ok(HttpResponse::Ok().finish())
}

/// Accepts every other total that the provider has, as a person does who has looked at them.
async fn accept_mismatches(athm: web::Data<Athm>) -> Result<HttpResponse, athm_actix::Error> {
    let mut last = None;
    loop {
        let page = athm.problems().list(last.take(), 100).await?;
        for problem in &page {
            if let (ProblemKind::Mismatch, Some(id)) = (problem.kind, problem.transaction_id) {
                athm.accept_mismatch(id).await?;
            }
        }
        last = page.into_iter().next_back();
        if last.is_none() {
            return Ok(HttpResponse::Ok().finish());
        }
    }
}

fn transaction_id(id: &str) -> Result<TransactionId, athm_actix::Error> {
    id.parse().map_err(athm_actix::Error::other)
}

/// Every payment that is recorded.
async fn recorded(athm: web::Data<Athm>) -> Result<HttpResponse, athm_actix::Error> {
    let mut query = TransactionQuery::new().limit(1000);
    let mut rows = Vec::new();
    loop {
        let page = athm.transactions(query.clone()).await?;
        rows.extend(page.transactions().iter().map(row));
        match page.next() {
            Some(next) => query = query.after(next),
            None => return Ok(HttpResponse::Ok().json(rows)),
        }
    }
}

fn row(transaction: &Transaction) -> Value {
    json!({
        "name": name(transaction),
        "kind": transaction.kind().to_string(),
        "status": transaction.status().to_string(),
        "ecommerceId": transaction.ecommerce_id(),
        "reference": transaction.reference_number(),
        "total": transaction.total().cents(),
        "fee": transaction.fee().cents(),
        "net": transaction.net_amount().cents(),
        "refunded": transaction.refunded_amount().cents(),
    })
}
