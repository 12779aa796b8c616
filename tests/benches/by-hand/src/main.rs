//! What a user would write by hand to take callbacks: one transaction for the payment, its items and two deliveries, a
//! second statement that marks the deliveries once their functions have run, then the answer. SQLite with full durability
//! and a pool of one connection, PostgreSQL with a pool of ten; all statements are prepared.
//!
//! Serves on a port that it prints, on the database whose URL is its argument.

use std::io::Write;
use std::str::FromStr;

use actix_web::{App, HttpResponse, HttpServer, error, web};
use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, QueryBuilder, Sqlite, SqlitePool};

const TABLES: &str = "
    CREATE TABLE payment (
        reference_number TEXT PRIMARY KEY, status TEXT NOT NULL, total BIGINT NOT NULL, subtotal BIGINT NOT NULL,
        tax BIGINT NOT NULL, fee BIGINT NOT NULL, net_amount BIGINT NOT NULL, metadata_1 TEXT NOT NULL,
        metadata_2 TEXT NOT NULL
    );
    CREATE TABLE item (
        reference_number TEXT NOT NULL, position BIGINT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
        quantity TEXT NOT NULL, price BIGINT NOT NULL, tax BIGINT NOT NULL, metadata TEXT NOT NULL,
        PRIMARY KEY (reference_number, position)
    );
    CREATE TABLE delivery (
        reference_number TEXT NOT NULL, receiver TEXT NOT NULL, state TEXT NOT NULL,
        PRIMARY KEY (reference_number, receiver)
    );
";
const RECEIVERS: [&str; 2] = ["fulfil", "audit"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    status: String,
    reference_number: String,
    total: Cents,
    sub_total: Cents,
    tax: Cents,
    fee: Cents,
    net_amount: Cents,
    metadata1: String,
    metadata2: String,
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    description: String,
    quantity: String,
    price: Cents,
    tax: Cents,
    metadata: String,
}

/// Money, which arrives as a text with two decimals.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Cents(i64);

impl TryFrom<String> for Cents {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.replace('.', "").parse().map(Self)
    }
}

/// The statements are the same for both databases but for the type of the connection.
macro_rules! store {
    ($pool:expr, $payment:expr, $database:ty) => {{
        let (pool, payment) = ($pool, $payment);
        let mut transaction = pool.begin().await?;
        let sql = "INSERT INTO payment (reference_number, status, total, subtotal, tax, fee, net_amount, metadata_1, \
                   metadata_2) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(sql)
            .bind(&payment.reference_number)
            .bind(&payment.status)
            .bind(payment.total.0)
            .bind(payment.sub_total.0)
            .bind(payment.tax.0)
            .bind(payment.fee.0)
            .bind(payment.net_amount.0)
            .bind(&payment.metadata1)
            .bind(&payment.metadata2)
            .execute(&mut *transaction)
            .await?;
        if !payment.items.is_empty() {
            let mut items = QueryBuilder::<$database>::new(
                "INSERT INTO item (reference_number, position, name, description, quantity, price, tax, metadata) ",
            );
            items.push_values((0_i64..).zip(&payment.items), |mut row, (position, item)| {
                row.push_bind(&payment.reference_number).push_bind(position).push_bind(&item.name);
                row.push_bind(&item.description).push_bind(&item.quantity).push_bind(item.price.0);
                row.push_bind(item.tax.0).push_bind(&item.metadata);
            });
            items.build().execute(&mut *transaction).await?;
        }
        let sql = "INSERT INTO delivery (reference_number, receiver, state) VALUES ($1, $2, 'due'), ($1, $3, 'due')";
        sqlx::query(sql)
            .bind(&payment.reference_number)
            .bind(RECEIVERS[0])
            .bind(RECEIVERS[1])
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        RECEIVERS.iter().for_each(|receiver| run(receiver, payment));
        let sql = "UPDATE delivery SET state = 'succeeded' WHERE reference_number = $1";
        sqlx::query(sql).bind(&payment.reference_number).execute(pool).await?;
        Ok(())
    }};
}

#[derive(Clone)]
enum Store {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Store {
    async fn open(url: &str) -> Result<Self, sqlx::Error> {
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .statement_cache_capacity(100);
            let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
            sqlx::raw_sql(TABLES).execute(&pool).await?;
            return Ok(Self::Sqlite(pool));
        }
        let pool = sqlx::postgres::PgPoolOptions::new().min_connections(10).max_connections(10).connect(url).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self::Postgres(pool))
    }

    async fn store(&self, payment: &Payment) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(pool) => store!(pool, payment, Sqlite),
            Self::Postgres(pool) => store!(pool, payment, Postgres),
        }
    }
}

/// What a receiver does: nothing, as those of athm that are measured beside it.
fn run(receiver: &str, payment: &Payment) {
    std::hint::black_box((receiver, payment));
}

async fn callback(payment: web::Json<Payment>, store: web::Data<Store>) -> actix_web::Result<HttpResponse> {
    store.store(&payment).await.map_err(error::ErrorInternalServerError)?;
    Ok(HttpResponse::Created().json(serde_json::json!({ "result": "recorded" })))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("expected the URL of a database")?;
    let store = web::Data::new(Store::open(&url).await?);
    let server =
        HttpServer::new(move || App::new().app_data(store.clone()).route("/athm/callback", web::post().to(callback)));
    let server = server.workers(2).bind(("127.0.0.1", 0))?;
    println!("{}", server.addrs()[0]);
    std::io::stdout().flush()?;
    server.run().await?;
    Ok(())
}
