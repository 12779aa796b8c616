//! A program with two receivers: set `ATHM_PUBLIC_TOKEN` and `ATHM_PRIVATE_TOKEN`, and run it.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::{App, HttpServer};
use athm_actix::{Athm, BoxError, Transaction, receiver};

#[receiver(completed)]
fn fulfil(transaction: &Transaction) -> Result<(), BoxError> {
    println!("{} was paid: {}", transaction.metadata_1(), transaction.total());
    Ok(())
}

#[receiver(cancelled, expired)]
fn release(transaction: &Transaction) {
    println!("the payment {} was not paid", transaction.id()); // another one may carry the same order
}

#[actix_web::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().init(); // athm logs with `tracing`: receivers, failures, refused messages
    let Err(error) = serve().await else { return ExitCode::SUCCESS };
    eprintln!("{}", message(&*error));
    ExitCode::FAILURE
}

async fn serve() -> Result<(), BoxError> {
    let athm = Athm::builder().env()?.start().await?; // ATHM_PUBLIC_TOKEN, ATHM_PRIVATE_TOKEN
    let service = athm.clone();
    HttpServer::new(move || App::new().service(athm_actix::scope("/athm", &service)))
        .bind(("127.0.0.1", 8080))
        .map_err(|error| format!("port 8080 can't be used: {error}"))?
        .run()
        .await?;
    athm.shutdown(Duration::from_secs(10)).await; // running receivers finish
    Ok(())
}

/// An error and its causes, on one line.
fn message(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", message(cause)),
        None => error.to_string(),
    }
}
