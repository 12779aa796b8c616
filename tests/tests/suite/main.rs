//! The behaviour of athm, from the outside.

mod acting;
mod alerts;
mod attacks;
mod blocking;
mod callbacks;
mod checkout_page;
mod checkouts;
mod connecting;
mod credentials;
mod delivery;
mod dispatch;
mod dispatch_limits;
mod exactly_once;
mod failure_log;
mod http;
mod inbox;
mod intents;
mod loading;
mod log;
mod merging;
mod messages;
mod migrations;
mod mismatch;
mod operations;
mod own;
mod parameters;
mod payment_intents;
mod problems;
mod provider;
mod provider_calls;
mod queries;
mod reconciliation;
mod refresh;
mod refunds;
mod requests;
mod scope;
mod start;
mod states;
mod storage;
mod sweeper;
mod tables;
mod testing;
mod verification;
mod waiting_log;
mod webhooks;
mod write_lock;

/// What the tests run on that run on every backend.
type Database = athm_tests::SqliteDatabase;
type SimulatorFixture = athm_tests::SimulatorFixture<Database>;
type MerchantFixture = athm_tests::MerchantFixture<Database>;

#[ctor::ctor(unsafe)]
fn search_the_log() {
    athm_tests::secrecy::watch();
}
