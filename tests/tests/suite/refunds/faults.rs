//! One refund under every fault of the provider.

use std::time::Duration;

use athm_core::errors::OperationError;
use athm_core::provider::Client;
use athm_core::refunds::{RefundResolution, RefundState};
use athm_core::testing::Clock;
use athm_core::testing::{BuilderExt as _, ClientBuilderExt as _};
use athm_core::{Athm, Sender};
use athm_simulator::{Effect, Endpoint, Fault, Simulator};
use athm_tests::{TextRecorder, completed_payment, eventually};
use futures_util::{StreamExt, stream};

use super::{DAY, cents, partial};
use crate::Database;

#[tokio::test(flavor = "multi_thread")]
async fn promise_9_a_refund_is_sent_once_under_every_fault_and_matches_the_provider() {
    stream::iter(every_fault()).for_each_concurrent(4, refund_with_fault).await;
}

async fn refund_with_fault(fault: Fault) {
    let (simulator, database) = (Simulator::start().await.unwrap(), Database::new());
    let (recorder, clock) = (TextRecorder::new(), Clock::manual());
    let client = Client::builder("the public token", "the private token").api_url(simulator.url());
    let client = client.clock(clock.clone()).timeout(Duration::from_secs(3)).build().unwrap();
    let builder = Athm::builder()
        .without_credential_check()
        .client(client)
        .database_url(database.url())
        .dispatcher(recorder.listening());
    let athm = builder.clock(clock.clone()).start().await.unwrap();
    let ecommerce_id = simulator.insert(completed_payment());
    let seen = athm.provider().unwrap().find(&ecommerce_id).await.unwrap();
    let payment = athm.record(seen, Sender::CALLBACK).await.unwrap().transaction().id();

    simulator.fail_next(Endpoint::Refund, fault.clone());
    let refunded = athm.refund(payment, partial(500)).await;
    let truth = simulator.payment(&ecommerce_id).unwrap().refunded_amount;
    simulator.skip(Duration::from_secs(60));
    match refunded {
        Ok(_) => assert_eq!(truth, cents(500), "{fault}"),
        Err(OperationError::RefundUnknown { refund, .. }) if truth == cents(0) => {
            clock.advance(DAY);
            let pending = athm.refunds().unresolved().await.unwrap();
            assert_eq!(pending.iter().map(|refund| refund.id).collect::<Vec<_>>(), [refund], "{fault}");
            athm.refunds().resolve(refund, RefundResolution::NotDone).await.unwrap();
        }
        Err(OperationError::RefundUnknown { refund, .. }) => {
            clock.advance(Duration::from_secs(60));
            eventually(async || {
                let kept = athm.refunds().of(payment).await.unwrap();
                kept.iter().any(|kept| kept.id == refund && kept.state == RefundState::Done)
            })
            .await;
        }
        Err(OperationError::Provider(error)) => assert!(truth == cents(0) && !error.is_outcome_unknown(), "{fault}"),
        Err(error) => panic!("{fault}: {error:?}"),
    }
    let kept = athm.transaction(payment).await.unwrap().unwrap();
    assert_eq!(kept.refunded_amount(), truth, "{fault}");
    assert_eq!(simulator.requests().iter().filter(|request| request.path.ends_with("/refund")).count(), 1, "{fault}");
    athm.idle().await;
    let fired = recorder.noted().iter().filter(|noted| noted.starts_with("refunded")).count();
    assert_eq!(fired, usize::from(truth > cents(0)), "{fault}");
    athm.shutdown(Duration::from_secs(5)).await;
}

fn every_fault() -> Vec<Fault> {
    let late = Effect::Late(Duration::from_secs(5));
    let mut faults: Vec<_> = ["BTRA_0005", "BTRA_0030", "BTRA_9998", "BTRA_0044", "7040"]
        .map(|code| Fault::Reject { code: code.to_owned() })
        .into_iter()
        .chain([Fault::Slow(Duration::from_millis(50)), Fault::Stale(Duration::from_secs(5)), Fault::ByteOrderMark])
        .collect();
    for effect in [Effect::Absent, Effect::Done, late] {
        faults.extend(
            [Fault::Timeout, Fault::InternalError, Fault::BadGateway, Fault::Garbage].map(|fault| fault(effect)),
        );
    }
    faults.extend([Effect::Done, late].map(Fault::Truncated));
    faults
}
