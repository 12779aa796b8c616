//! The same behaviour on PostgreSQL, and what several processes make of one database. `tests/with-postgres` gives these
//! tests a server; without one they fail.

#[path = "../suite/acting.rs"]
mod acting;
#[path = "../suite/alerts.rs"]
mod alerts;
#[path = "../suite/attacks/mod.rs"]
mod attacks;
#[path = "../suite/blocking.rs"]
mod blocking;
#[path = "../suite/checkout_page.rs"]
mod checkout_page;
#[path = "../suite/checkouts.rs"]
mod checkouts;
#[path = "../suite/connecting.rs"]
mod connecting;
mod connections;
#[path = "../suite/delivery/mod.rs"]
mod delivery;
#[path = "../suite/exactly_once.rs"]
mod exactly_once;
#[path = "../suite/http.rs"]
mod http;
#[path = "../suite/inbox.rs"]
mod inbox;
#[path = "../suite/intents.rs"]
mod intents;
#[path = "../suite/log.rs"]
mod log;
#[path = "../suite/merging.rs"]
mod merging;
#[path = "../suite/messages.rs"]
mod messages;
#[path = "../suite/migrations.rs"]
mod migrations;
#[path = "../suite/operations.rs"]
mod operations;
mod own;
#[path = "../suite/payment_intents.rs"]
mod payment_intents;
mod processes;
#[path = "../suite/queries.rs"]
mod queries;
#[path = "../suite/reconciliation.rs"]
mod reconciliation;
#[path = "../suite/refresh.rs"]
mod refresh;
#[path = "../suite/refunds/mod.rs"]
mod refunds;
#[path = "../suite/requests.rs"]
mod requests;
#[path = "checkouts.rs"]
mod shared_checkouts;
#[path = "../suite/states.rs"]
mod states;
#[path = "../suite/storage.rs"]
mod storage;
mod suspects;
#[path = "../suite/sweeper.rs"]
mod sweeper;
#[path = "../suite/tables.rs"]
mod tables;
mod taking_over;
#[path = "../suite/verification.rs"]
mod verification;
#[path = "../suite/webhooks.rs"]
mod webhooks;

/// What the tests run on that run on every backend.
type Database = athm_tests::PostgresDatabase;
type SimulatorFixture = athm_tests::SimulatorFixture<Database>;
type MerchantFixture = athm_tests::MerchantFixture<Database>;

#[ctor::ctor(unsafe)]
fn search_the_log() {
    athm_tests::secrecy::watch();
}
