//! What is compared.

use std::fmt;
use std::io::Write;

use actix_web::{App, HttpResponse, HttpServer, web};
use athm_actix::dispatch::Dispatcher;
use athm_actix::{Athm, Callback, Context, Delivery, FromContext, Signal};
use athm_core::testing::BuilderExt as _;
use clap::ValueEnum;

use crate::own_rows::OwnRows;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contender {
    /// The same HTTP handler, which parses the callback and keeps nothing.
    NoDatabase,
    /// SQLite with full durability, commits shared.
    SqliteGrouped,
    /// SQLite with full durability, one commit for every write.
    SqliteOneByOne,
    /// PostgreSQL, commits shared.
    PostgresGrouped,
    /// PostgreSQL, one commit for every write.
    PostgresOneByOne,
    /// SQLite, and a receiver with a row and a transaction of its own; counted until the receivers have run.
    SqliteOwnRow,
    /// The same, where that transaction completes the delivery.
    SqliteExactlyOnce,
    /// PostgreSQL, and a receiver with a row and a transaction of its own.
    PostgresOwnRow,
    /// The same, where that transaction completes the delivery.
    PostgresExactlyOnce,
}

impl Contender {
    /// The available contenders: PostgreSQL needs a server.
    pub(crate) fn available() -> Vec<Self> {
        let has_server = cfg!(feature = "postgres") && std::env::var_os("ATHM_TEST_POSTGRES_URL").is_some();
        let each = Self::value_variants().iter().copied();
        each.filter(|contender| has_server || !contender.needs_server()).collect()
    }

    pub(crate) fn needs_server(self) -> bool {
        matches!(
            self,
            Self::PostgresGrouped | Self::PostgresOneByOne | Self::PostgresOwnRow | Self::PostgresExactlyOnce
        )
    }

    /// Whether its receiver has a row of its own, so that what counts is when all receivers have run.
    pub(crate) fn has_own_rows(self) -> bool {
        matches!(self, Self::SqliteOwnRow | Self::SqliteExactlyOnce | Self::PostgresOwnRow | Self::PostgresExactlyOnce)
    }

    fn is_exactly_once(self) -> bool {
        matches!(self, Self::SqliteExactlyOnce | Self::PostgresExactlyOnce)
    }

    pub(crate) fn keeps_rows(self) -> bool {
        self != Self::NoDatabase
    }

    /// Serves until it is killed, on a port that it prints.
    pub(crate) fn serve(self, database: &str) -> Result<(), Box<dyn std::error::Error>> {
        actix_web::rt::System::new().block_on(async {
            let athm = self.athm(database).await?;
            let server = HttpServer::new(move || {
                let app = App::new().app_data(web::Data::new(athm.clone())).route("/finish", web::post().to(finish));
                match self {
                    Self::NoDatabase => app.route("/athm/callback", web::post().to(parse)),
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

    async fn athm(self, database: &str) -> Result<Athm, Box<dyn std::error::Error>> {
        let dispatcher = Dispatcher::empty();
        if self.has_own_rows() {
            let (rows, completes) = (OwnRows::create(database).await?, self.is_exactly_once());
            let fulfil = move |context: &Context<'_>| {
                let (rows, delivery) = (rows.clone(), Delivery::from_context(context));
                async move { rows.insert(delivery?, completes).await }
            };
            dispatcher.connect("fulfil", [Signal::Completed], fulfil)?;
        } else {
            dispatcher.connect("fulfil", [Signal::Completed], |_| ())?;
        }
        dispatcher.connect("audit", [Signal::Received], |_| ())?;
        let builder = Athm::builder().database_url(database).trust_callbacks().dispatcher(dispatcher);
        let is_grouped = !matches!(self, Self::SqliteOneByOne | Self::PostgresOneByOne);
        let builder = if is_grouped { builder } else { builder.without_group_commit() };
        Ok(builder.start().await?)
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoDatabase => "no database",
            Self::SqliteGrouped => "SQLite, grouped",
            Self::SqliteOneByOne => "SQLite, one by one",
            Self::PostgresGrouped => "PostgreSQL, grouped",
            Self::PostgresOneByOne => "PostgreSQL, one by one",
            Self::SqliteOwnRow => "SQLite, own row",
            Self::SqliteExactlyOnce => "SQLite, exactly once",
            Self::PostgresOwnRow => "PostgreSQL, own row",
            Self::PostgresExactlyOnce => "PostgreSQL, ex. once",
        })
    }
}

async fn parse(callback: Callback) -> HttpResponse {
    match callback.reference_number() {
        Some(_) => HttpResponse::Created().json(serde_json::json!({ "result": "recorded" })),
        None => HttpResponse::Ok().json(serde_json::json!({ "result": "known" })),
    }
}

/// Answers once all receivers have run.
async fn finish(athm: web::Data<Athm>) -> HttpResponse {
    athm.idle().await;
    HttpResponse::NoContent().finish()
}
