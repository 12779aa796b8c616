//! A callback of one's own in the place of the default one: `cargo run --example custom_callback`.
//!
//! It needs the tokens in `ATHM_PUBLIC_TOKEN` and `ATHM_PRIVATE_TOKEN`; `ATHM_API_URL` names a simulator.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_actix::{Athm, BoxError, Callback, Error, Sender, Status, Transaction, receiver};

/// Runs for the payments that the callback is the first to record, durably. Where a webhook is subscribed too, it may come
/// first: then leave `sender` out, or the gate stays closed.
#[receiver(completed, sender = "kiosk")]
fn open_the_gate(transaction: &Transaction) {
    println!("the gate opens for {}", transaction.metadata_1());
}

/// Verifies, records, and answers in its own words.
async fn kiosk(callback: Callback, athm: web::Data<Athm>) -> Result<HttpResponse, Error> {
    let transaction = athm.verify(&callback).await?; // the provider's answer, not the message's
    let recorded = athm.record(transaction, Sender::from_static("kiosk")).await?;
    Ok(match recorded.transaction().status() {
        Status::Completed => HttpResponse::Created().body("Thank you. The gate opens."),
        status => HttpResponse::Ok().body(format!("The payment is {status}.")),
    })
}

#[actix_web::main]
async fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt().init();
    let Err(error) = serve().await else { return std::process::ExitCode::SUCCESS };
    eprintln!("{error}");
    std::process::ExitCode::FAILURE
}

async fn serve() -> Result<(), BoxError> {
    let athm = Athm::builder().env()?.start().await?;
    let service = athm.clone();
    // POST /athm/callback is `kiosk`; POST /athm/webhook and GET /athm/health stay the default ones.
    HttpServer::new(move || App::new().service(athm_actix::scope("/athm", &service).callback(kiosk)))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    athm.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
