//! Promise 4: one idempotency key for each delivery.

use std::collections::HashSet;
use std::sync::Arc;

use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Delivery, Sender, Signal, State, Status, receiver};
use athm_tests::{linked_dispatcher, payment, trusting_builder};

use super::{DAY, Observed, exhaust};
use crate::Database;

#[receiver(received, completed, id = "p4.first", sender = "p4")]
fn first(signal: Signal, delivery: Delivery, State(observed): State<Observed>) -> Result<(), &'static str> {
    observed.lock().unwrap().push(("first".into(), signal, delivery));
    if delivery.attempt() == 1 { Err("again") } else { Ok(()) }
}

#[receiver(completed, id = "p4.second", sender = "p4")]
fn second(signal: Signal, delivery: Delivery, State(observed): State<Observed>) {
    observed.lock().unwrap().push(("second".into(), signal, delivery));
}

#[tokio::test]
async fn promise_4_the_idempotency_key_is_unique_to_a_delivery_and_the_same_on_every_attempt_and_replay() {
    let (database, clock) = (Database::new(), Clock::manual());
    let observed = Observed::default();
    let linked = linked_dispatcher("p4.");
    let athm = trusting_builder(&database, linked.clone())
        .state(Arc::clone(&observed))
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let recorded = athm.record(payment(1, Status::Completed).build(), Sender::new("p4")).await.unwrap();
    athm.idle().await;
    exhaust(&athm, &clock).await;
    let key = observed.lock().unwrap()[0].2.idempotency_key();
    athm.deliveries().replay(key).force().run().await.unwrap();
    athm.idle().await;
    exhaust(&athm, &clock).await;

    let observed = observed.lock().unwrap().clone();
    let mut keys = HashSet::new();
    for (receiver, signal, times) in
        [("first", Signal::Received, 4), ("first", Signal::Completed, 2), ("second", Signal::Completed, 1)]
    {
        let its: Vec<_> = observed
            .iter()
            .filter(|(name, fired, _)| name == receiver && *fired == signal)
            .map(|observed| observed.2)
            .collect();
        assert_eq!(its.len(), times, "{receiver} {signal}");
        assert!(its.iter().all(|delivery| delivery.idempotency_key() == its[0].idempotency_key()));
        assert!(
            its.iter().all(|delivery| delivery.event_id() == Some(recorded.events()[0].id()) && delivery.is_durable())
        );
        assert!(keys.insert(its[0].idempotency_key()));
        let replays: Vec<_> = its.iter().map(Delivery::is_replay).collect();
        assert_eq!(replays.iter().filter(|is_replay| **is_replay).count(), times.saturating_sub(2));
    }
    athm.shutdown(DAY).await;

    let by_hand =
        linked.state(Observed::default()).dispatch(&payment(1, Status::Completed).build(), Sender::new("p4")).await;
    assert_eq!(by_hand.entries().len(), 3);
}
