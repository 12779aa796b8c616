//! athm as a contender, and the handler without a database: a process that serves until it is killed.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_actix::dispatch::Dispatcher;
use athm_actix::{Athm, Callback, Context, Delivery, FromContext, Signal};
use athm_core::testing::BuilderExt as _;
use hdrhistogram::Histogram;
use jiff::Timestamp;

use crate::contender::{Contender, Rows};
use crate::own_rows::OwnRows;

/// How many microseconds lay between each observation and the start of its receiver, up to a minute. A histogram doesn't grow
/// with the deliveries: the process's memory is measured.
#[derive(Debug, Clone)]
struct Lags(Arc<Mutex<Histogram<u32>>>);

/// Serves on a port that it prints, with this many receivers.
pub(crate) fn serve(
    contender: Contender,
    database: &str,
    receivers: u32,
    provider: Option<&str>,
) -> Result<(), Box<dyn std::error::Error>> {
    actix_web::rt::System::new().block_on(async {
        let lags = Lags(Arc::new(Mutex::new(Histogram::new_with_bounds(1, 60_000_000, 3)?)));
        let athm = start(contender, database, receivers, provider, &lags).await?;
        let server = HttpServer::new(move || {
            let (athm_data, lags) = (web::Data::new(athm.clone()), web::Data::new(lags.clone()));
            let app = App::new().app_data(athm_data).app_data(lags).route("/finish", web::post().to(finish));
            match contender.rows() {
                Rows::None => app.route("/athm/callback", web::post().to(parse)),
                _ => app.service(athm_actix::scope("/athm", &athm)),
            }
        });
        let server = server.workers(2).bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        std::io::stdout().flush()?;
        server.run().await?;
        Ok(())
    })
}

async fn start(
    contender: Contender,
    database: &str,
    receivers: u32,
    provider: Option<&str>,
    lags: &Lags,
) -> Result<Athm, Box<dyn std::error::Error>> {
    let dispatcher = Dispatcher::empty();
    if contender.has_own_rows() {
        let (rows, completes) = (OwnRows::create(database).await?, contender.is_exactly_once());
        let fulfil = move |context: &Context<'_>| {
            let (rows, delivery) = (rows.clone(), Delivery::from_context(context));
            async move { rows.insert(delivery?, completes).await }
        };
        dispatcher.connect("own-rows", [Signal::Completed], fulfil)?;
    }
    for n in u32::from(contender.has_own_rows())..receivers {
        let (lags, signal) = (lags.clone(), if n % 2 == 0 { Signal::Completed } else { Signal::Received });
        dispatcher.connect(format!("receiver-{n}"), [signal], move |context| lags.note(context))?;
    }
    let builder = Athm::builder().database_url(database).dispatcher(dispatcher);
    let builder = match provider {
        // Each payment is unknown, and in the provider's log as completed.
        Some(url) => {
            let builder = builder.tokens("public", "private").api_url(url).without_credential_check();
            builder.unknown_payment_rate_limit(1_000_000, 1_000_000)
        }
        None => builder.trust_callbacks(),
    };
    let is_grouped = !matches!(contender, Contender::SqliteOneByOne | Contender::PostgresOneByOne);
    let builder = if is_grouped { builder } else { builder.without_group_commit() };
    Ok(builder.start().await?)
}

async fn parse(callback: Callback) -> HttpResponse {
    match callback.reference_number() {
        Some(_) => HttpResponse::Created().json(serde_json::json!({ "result": "recorded" })),
        None => HttpResponse::Ok().json(serde_json::json!({ "result": "known" })),
    }
}

/// Answers once all receivers have run and every outcome is committed, with the 99th percentile of their lags in
/// microseconds.
async fn finish(athm: web::Data<Athm>, lags: web::Data<Lags>) -> HttpResponse {
    athm.idle().await;
    HttpResponse::Ok().body(lags.p99().to_string())
}

impl Lags {
    fn note(&self, context: &Context<'_>) {
        let Some(event) = context.event() else { return };
        let lag = Timestamp::now().duration_since(event.created_at()).as_micros();
        self.histogram().saturating_record(u64::try_from(lag).unwrap_or_default());
    }

    fn p99(&self) -> u64 {
        self.histogram().value_at_quantile(0.99)
    }

    fn histogram(&self) -> MutexGuard<'_, Histogram<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
