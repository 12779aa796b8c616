//! Sends a receipt by e-mail for each payment: set `ATHM_PUBLIC_TOKEN` and `ATHM_PRIVATE_TOKEN`, and run it.
//!
//! `SMTP_SERVER` is a mail server in your network; `localhost:25` unless set. Any other one needs TLS: enable lettre's
//! feature `tokio1-rustls`, and build the transport with `Smtp::relay("mail.example")?`.

#[cfg(test)]
mod smtp_stub;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::env;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::{App, HttpServer};
use athm_actix::{Athm, BoxError, Customer, Delivery, Permanent, State, Transaction, receiver};
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Runs once the provider has named the customer, at the first attempt. A mail server that is down is tried again.
#[receiver(completed, id = "shop::send_receipt")]
async fn send_receipt(
    transaction: &Transaction,
    customer: Option<&Customer>,
    delivery: Delivery,
    State(shop): State<Shop>,
) -> Result<(), BoxError> {
    let provided = customer.and_then(|customer| customer.email.clone());
    let Some(address) = provided.or_else(|| shop.email_of(transaction.metadata_1())) else { return Ok(()) };
    let to: Mailbox = address.parse().map_err(|_| Permanent::new("the customer's address can't be written to"))?;
    let mail = Message::builder()
        .from(shop.sender.clone())
        .to(to)
        // The same on every attempt: who gets a receipt twice can tell that it is one.
        .message_id(Some(format!("<{}@shop.example>", delivery.idempotency_key())))
        .subject(format!("Your receipt for {}", transaction.metadata_1()))
        .body(format!("Thank you! We have received {}.\n", transaction.total()))?;
    shop.smtp.send(mail).await?;
    Ok(())
}

/// What receivers ask for with `State<Shop>`.
struct Shop {
    smtp: Smtp,
    sender: Mailbox,
    /// The address that the shop's own form asked for, of each order. A real shop has a database.
    emails: Mutex<HashMap<String, String>>,
}

impl Shop {
    fn new(mail_server: &str) -> Result<Self, BoxError> {
        let (host, port) = mail_server.split_once(':').ok_or("expected a mail server such as localhost:25")?;
        let smtp = Smtp::builder_dangerous(host).port(port.parse()?).build();
        Ok(Self { smtp, sender: "The shop <shop@shop.example>".parse()?, emails: Mutex::default() })
    }

    fn email_of(&self, order: &str) -> Option<String> {
        self.emails.lock().unwrap_or_else(PoisonError::into_inner).get(order).cloned()
    }
}

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().init();
    let shop = Shop::new(&env::var("SMTP_SERVER").unwrap_or_else(|_| String::from("localhost:25")))?;
    let athm = Athm::builder().env()?.state(shop).start().await?; // ATHM_PUBLIC_TOKEN, ATHM_PRIVATE_TOKEN
    let service = athm.clone();
    HttpServer::new(move || App::new().service(athm_actix::scope("/athm", &service)))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    athm.shutdown(Duration::from_secs(10)).await; // running receivers finish
    Ok(())
}
