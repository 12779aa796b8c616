//! A shop that is paid with ATH Móvil, its receivers, and the customer's phone: `cargo run --example shop`.
//!
//! No account and no network: the provider is simulated. `PORT`, `ATHM_DATABASE_URL` and `ATHM_API_URL` (a simulator
//! that runs already) adapt it; the settings say how.

mod live;
mod orders;
mod origin;
mod pages;
mod receivers;
mod reconcile;
mod routes;
mod settings;
mod shop;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, iter};

use actix_web::{App, HttpServer};
use athm_actix::{Athm, BoxError};

use crate::live::Runs;
use crate::orders::Orders;
use crate::reconcile::Reconcile;
use crate::settings::{PRIVATE_TOKEN, PUBLIC_TOKEN, Settings};
use crate::shop::Shop;

#[actix_web::main]
async fn main() -> ExitCode {
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    eprintln!("The shop can't open: {error}");
    let causes = iter::successors(error.source(), |cause| cause.source());
    causes.for_each(|cause| eprintln!("  {cause}"));
    ExitCode::FAILURE
}

async fn run() -> Result<(), BoxError> {
    tracing_subscriber::fmt().with_target(false).with_ansi(io::stdout().is_terminal()).init();
    let reconcile = Reconcile::from_arguments(env::args().skip(1))?;
    let settings = Settings::from_env()?;
    let (simulator, api_url) = settings.provider().await?;
    if reconcile.is_some() && simulator.is_some() {
        return Err(
            "reconcile needs a provider that knows the payments: set ATHM_API_URL to a simulator that runs".into()
        );
    }

    let (orders, runs) = (Orders::open(&settings.orders_file)?, Runs::default());
    let athm = Athm::builder()
        .tokens(PUBLIC_TOKEN, PRIVATE_TOKEN) // a real shop: `.env()?`
        .api_url(&api_url)
        .database_url(&settings.database_url)
        .state(orders.clone()) // what receivers ask for with State<T>
        .state(runs.clone())
        .start()
        .await?;
    if let Some(reconcile) = reconcile {
        reconcile.run(&athm).await?;
        athm.shutdown(Duration::from_secs(10)).await;
        return Ok(());
    }
    let shop = Shop { athm: athm.clone(), orders, runs, api_url };
    if let Some(simulator) = &simulator {
        shop.end_what_an_earlier_run_left_open(simulator).await?;
    }

    let service = shop.clone();
    let server = HttpServer::new(move || {
        App::new()
            .service(service.service()) // /athm/checkout, /athm/callback, /athm/webhook, /athm/health
            .configure(|config| routes::configure(config, &service))
    })
    .shutdown_timeout(5)
    .bind(("127.0.0.1", settings.port))
    .map_err(|error| format!("port {} can't be used ({error}): set PORT to another", settings.port))?;
    for address in server.addrs() {
        println!("\n  the shop   http://{address}/\n  the phone  {}/\n\nCtrl-C stops it.\n", shop.api_url);
    }
    server.run().await?;

    athm.shutdown(Duration::from_secs(10)).await; // running receivers finish
    if let Some(simulator) = simulator {
        simulator.stop().await;
    }
    Ok(())
}
