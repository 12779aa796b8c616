//! The promises of delivery. A test of a numbered promise carries its number.

mod acknowledged;
mod conditions;
mod customer;
mod history;
mod idempotency_key;
mod isolation;
mod limits;
mod listing;
mod refund;
mod renaming;
mod replay;
mod retention;
mod retries;
mod shutdown;
mod slots;
pub(crate) mod suspects;
mod timeouts;
mod versions;
mod waiting;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use athm_core::deliveries::DeliveryRecord;
use athm_core::dispatch::Dispatcher;
use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Athm, AthmBuilder, Context, Delivery, FromContext, Sender, Signal, Status};
use athm_tests::{payment, trusting_builder};

use crate::Database;

const KIOSK: Sender = Sender::from_static("kiosk");
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The deliveries that ran, each with its receiver and signal.
type Observed = Arc<Mutex<Vec<(String, Signal, Delivery)>>>;

/// A handle on a manual clock, with one receiver of `completed` for each id. All behave alike.
async fn program<R: athm_core::dispatch::IntoOutcome + 'static>(
    database: &Database,
    clock: &Clock,
    ids: &[&'static str],
    behave: impl Fn(&'static str, Delivery) -> R + Clone + Send + Sync + 'static,
) -> Athm {
    start(database, clock, ids, behave, |builder| builder).await
}

async fn start<R: athm_core::dispatch::IntoOutcome + 'static>(
    database: &Database,
    clock: &Clock,
    ids: &[&'static str],
    behave: impl Fn(&'static str, Delivery) -> R + Clone + Send + Sync + 'static,
    adapt: impl FnOnce(AthmBuilder) -> AthmBuilder,
) -> Athm {
    let dispatcher = Dispatcher::empty();
    for id in ids {
        let (id, behave) = (*id, behave.clone());
        let receiver = move |context: &Context<'_>| behave(id, Delivery::from_context(context).unwrap());
        dispatcher.connect(id, [Signal::Completed], receiver).unwrap();
    }
    adapt(trusting_builder(database, dispatcher).clock(clock.clone()).seed(7)).start().await.unwrap()
}

async fn complete(athm: &Athm, n: u32) {
    athm.record(payment(n, Status::Completed).build(), KIOSK).await.unwrap();
}

/// Advances the clock until no delivery is due for a retry. A day is longer than any backoff.
async fn exhaust(athm: &Athm, clock: &Clock) {
    for _ in 0..40 {
        clock.advance(DAY);
        athm.idle().await;
    }
}

async fn dead(athm: &Athm) -> Vec<DeliveryRecord> {
    athm.deliveries().dead().await.unwrap()
}
