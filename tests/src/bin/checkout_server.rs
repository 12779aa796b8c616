//! A shop's server, to be killed while a customer waits at its checkout.
//!
//! Its first line of output is where it serves. `POST /offer` offers a checkout, and answers with the path of its page;
//! `GET /shipped` answers with the orders for which its receiver ran, one a line, in this process.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::{App, HttpServer, web};
use athm_actix::checkouts::NewCheckout;
use athm_actix::{Amount, Athm, BoxError, Context, Signal};
use athm_tests::secrecy::TOKENS;
use clap::Parser;

/// A shop's server.
#[derive(Debug, Parser)]
struct Options {
    /// Where checkouts are kept.
    #[arg(long)]
    database: String,
    /// The provider.
    #[arg(long)]
    api_url: String,
    /// Where it serves; 0 for a free port.
    #[arg(long)]
    port: u16,
}

type Shipped = Arc<Mutex<Vec<String>>>;

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    let Options { database, api_url, port } = Options::parse();
    let shipped = Shipped::default();
    let ship = {
        let shipped = Arc::clone(&shipped);
        move |context: &Context<'_>| {
            let order = context.transaction().metadata_1().to_owned();
            shipped.lock().unwrap_or_else(PoisonError::into_inner).push(order);
        }
    };
    let builder = Athm::builder().without_credential_check().tokens(TOKENS[0], TOKENS[1]);
    let builder = builder.api_url(&api_url).database_url(database).connect("ship", [Signal::Completed], ship);
    let athm = builder.start().await?;
    let server = HttpServer::new(move || {
        App::new()
            .service(athm_actix::scope("/athm", &athm))
            .app_data(web::Data::new(athm.clone()))
            .app_data(web::Data::new(Arc::clone(&shipped)))
            .route("/offer", web::post().to(offer))
            .route("/shipped", web::get().to(list_shipped))
    });
    let server = server.workers(1).bind(("127.0.0.1", port))?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", server.addrs()[0])?;
    output.flush()?;
    Ok(server.run().await?)
}

async fn offer(athm: web::Data<Athm>) -> Result<String, athm_actix::Error> {
    let order = NewCheckout::new(Amount::from_cents(4210), "order-7");
    let checkout = athm.checkout(order).await.map_err(athm_actix::Error::other)?;
    Ok(format!("/athm/checkout/{}", checkout.id()))
}

async fn list_shipped(shipped: web::Data<Shipped>) -> String {
    shipped.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
}
