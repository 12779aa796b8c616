//! The program that is killed.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_actix::jiff::Timestamp;
use athm_actix::transactions::TransactionQuery;
use athm_actix::{Athm, BoxError, Delivery, Permanent, RetryAfter, State, Status, Transaction, receiver};
use tokio::runtime::Handle;

use crate::effects::Effects;
use crate::own_rows::OwnRows;

/// Succeeds on the first attempt, unless the process is killed.
#[receiver(completed, id = "steady")]
async fn steady(transaction: &Transaction, delivery: Delivery, State(effects): State<Effects>) -> Result<(), BoxError> {
    effects.note("steady", transaction.metadata_1(), delivery).await
}

/// Fails the first time for one payment in eight.
#[receiver(completed, id = "shaky", blocking)]
fn shaky(transaction: &Transaction, delivery: Delivery, State(effects): State<Effects>) -> Result<(), BoxError> {
    if delivery.attempt() == 1 && delivery.idempotency_key().as_uuid().as_bytes()[15].is_multiple_of(8) {
        return Err("not the first time".into());
    }
    Handle::current().block_on(effects.note("shaky", transaction.metadata_1(), delivery))
}

/// Waits for each payment until it is half a second old, which takes more waits than there are attempts: none may be spent.
#[receiver(completed, id = "waits", was = "waited", attempts = 3, if = is_numbered)]
async fn waits(transaction: &Transaction, delivery: Delivery, State(effects): State<Effects>) -> Result<(), BoxError> {
    let age = Timestamp::now().duration_since(transaction.created_at()).unsigned_abs();
    match MIN_AGE.checked_sub(age) {
        Some(rest) if !rest.is_zero() => Err(RetryAfter::new(rest.min(PAUSE)).into()),
        _ => effects.note("waits", transaction.metadata_1(), delivery).await,
    }
}

const MIN_AGE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(100);

fn is_numbered(transaction: &Transaction) -> bool {
    transaction.metadata_1().starts_with("payment-")
}

/// Is dead at once where more than two of it run in this process.
#[receiver(completed, id = "limited", concurrency = 2, blocking)]
fn limited(transaction: &Transaction, delivery: Delivery, State(effects): State<Effects>) -> Result<(), BoxError> {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    let before = RUNNING.fetch_add(1, Ordering::SeqCst);
    let noted = if before < 2 {
        Handle::current().block_on(effects.note("limited", transaction.metadata_1(), delivery))
    } else {
        Err(Permanent::new("more than two run at once").into())
    };
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    noted
}

/// Of a thousand payments, the receivers below misbehave for one each.
fn is_for(transaction: &Transaction, receiver: u64) -> bool {
    let number = transaction.metadata_1().strip_prefix("payment-").and_then(|number| number.parse::<u64>().ok());
    number.is_some_and(|number| number % 1000 == receiver)
}

#[receiver(completed, id = "aborts", attempts = 2)]
fn aborts(transaction: &Transaction) {
    if is_for(transaction, 100) {
        std::process::abort();
    }
}

#[receiver(completed, id = "exits", attempts = 2)]
fn exits(transaction: &Transaction) {
    if is_for(transaction, 300) {
        std::process::exit(1);
    }
}

/// It can't be stopped: it holds its slot until the process ends.
#[receiver(completed, id = "hangs", attempts = 2, timeout = "1s", blocking)]
fn hangs(transaction: &Transaction) {
    while is_for(transaction, 500) {
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
    if is_for(transaction, 700) {
        let _value = PanicsInDrop;
        std::future::pending::<()>().await;
    }
}

pub(crate) fn serve(folder: &Path, database: &str, exactly_once: bool) -> Result<(), Box<dyn std::error::Error>> {
    actix_web::rt::System::new().block_on(async {
        let effects =
            if exactly_once { Effects::Rows(OwnRows::connect(database)?) } else { Effects::in_folder(folder) };
        let athm = Athm::builder().database_url(database).trust_callbacks().state(effects).start().await?;
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(athm.clone()))
                .service(athm_actix::scope("/athm", &athm))
                .route("/recorded", web::get().to(recorded))
                .route("/dead", web::get().to(dead))
        });
        let server = server.workers(2).bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        std::io::stdout().flush()?;
        server.run().await?;
        Ok(())
    })
}

/// Every payment that is recorded as completed, a line each.
async fn recorded(athm: web::Data<Athm>) -> Result<HttpResponse, athm_actix::Error> {
    let mut query = TransactionQuery::new().status(Status::Completed).limit(1000);
    let mut lines = String::new();
    loop {
        let page = athm.transactions(query.clone()).await?;
        for transaction in page.transactions() {
            lines.push_str(transaction.metadata_1());
            lines.push('\n');
        }
        match page.next() {
            Some(next) => query = query.after(next),
            None => return Ok(HttpResponse::Ok().body(lines)),
        }
    }
}

/// The receiver of every dead delivery, a line each.
async fn dead(athm: web::Data<Athm>) -> Result<HttpResponse, athm_actix::Error> {
    let dead = athm.deliveries().dead().await?;
    Ok(HttpResponse::Ok().body(dead.into_iter().map(|delivery| delivery.receiver + "\n").collect::<String>()))
}
