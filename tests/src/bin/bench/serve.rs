//! athm as a contender, and the handler without a database: a process that serves until it is killed.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_actix::dispatch::Dispatcher;
use athm_actix::{Athm, Callback, Context, Delivery, FromContext, Signal};
use athm_core::testing::BuilderExt as _;
use jiff::Timestamp;

use crate::contender::{Contender, Rows};
use crate::own_rows::OwnRows;

/// How long it took from each observation to the start of its receiver: how many took 0.0 ms, 0.1 ms, 0.2 ms and so on. Of a
/// fixed size, because the process's memory is measured.
#[derive(Debug, Clone)]
struct Lags(Arc<Mutex<Vec<u32>>>);

/// One step of [`Lags`], in microseconds, and the number of steps: a minute. Longer ones count as a minute.
const LAG_STEP: u32 = 100;
const LAG_STEPS: usize = 600_000;

/// Serves on a port that it prints, with this many receivers.
pub(crate) fn serve(
    contender: Contender,
    database: &str,
    receivers: u32,
    provider: Option<&str>,
) -> Result<(), Box<dyn std::error::Error>> {
    actix_web::rt::System::new().block_on(async {
        let lags = Lags(Arc::new(Mutex::new(vec![0; LAG_STEPS])));
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
        let lag = Timestamp::now().duration_since(event.created_at()).as_micros().max(0);
        let step = usize::try_from(lag / i128::from(LAG_STEP)).unwrap_or(usize::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[step.min(LAG_STEPS - 1)] += 1;
    }

    /// The 99th percentile, in microseconds.
    fn p99(&self) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u64 = counts.iter().copied().map(u64::from).sum();
        let steps = counts.iter().scan(0, |passed, &count| {
            *passed += u64::from(count);
            Some(*passed)
        });
        let below = steps.take_while(|&passed| passed * 100 < all * 99).count();
        below as u64 * u64::from(LAG_STEP)
    }
}
