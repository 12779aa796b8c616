//! What the log says of a receiver that failed.

use std::time::Duration;

use athm_core::deliveries::DeliveryQuery;
use athm_core::dispatch::Dispatcher;
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{BoxError, Context, Delivery, FromContext, Permanent, Sender, Signal, Status};
use athm_tests::{SqliteDatabase, advance_until, payment, trusting_builder};
use tokio::runtime::Handle;

use crate::exactly_once::{Driver, Ending};
use crate::log::Log;
use crate::own::Own;

#[tokio::test]
async fn a_failure_is_logged_once_with_its_delivery_its_order_and_its_reference() {
    let (database, log) = (SqliteDatabase::new(), Log::default());
    let _listening = log.listen();
    let builder = trusting_builder(&database, Dispatcher::empty()).runtime(Handle::current());
    let builder = builder.connect("ship", [Signal::Completed], |_| Err::<(), _>(Permanent::new("no such order")));
    let athm = builder.start().await.unwrap();
    let paid = payment(7, Status::Completed).reference_number("12-ab".parse().unwrap());
    athm.record(paid.build(), Sender::CALLBACK).await.unwrap();
    athm.idle().await;
    let id = athm.deliveries().list(DeliveryQuery::new()).await.unwrap().deliveries()[0].id;
    let [line] = &log.lines("receiver failed for good")[..] else { panic!("{}", log.text()) };
    for part in ["ERROR", "order-7", "12-ab", "no such order", &id.to_string()] {
        assert!(line.contains(part), "{part} in {line}");
    }
    athm.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn without_a_closure_a_problem_is_an_error_line() {
    let (database, log, clock) = (SqliteDatabase::new(), Log::default(), Clock::manual());
    let _listening = log.listen();
    let builder = trusting_builder(&database, Dispatcher::empty()).clock(clock.clone());
    let builder = builder.connect("ship", [Signal::Completed], |_| Err::<(), _>(Permanent::new("no such order")));
    let athm = builder.start().await.unwrap();
    athm.record(payment(7, Status::Completed).build(), Sender::CALLBACK).await.unwrap();
    athm.idle().await;
    advance_until(&clock, async || !log.lines("a problem takes a person").is_empty()).await;
    let [line] = &log.lines("a problem takes a person")[..] else { panic!("{}", log.text()) };
    assert!(line.contains("ERROR") && line.contains("dead_delivery") && line.contains("no such order"), "{line}");
    athm.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn success_without_a_commit_and_failure_after_one_are_warnings() {
    for (ending, line) in [
        (Ending::RollsBack, "receiver succeeded, but its own transaction didn't commit"),
        (Ending::Commits, "receiver failed after its own transaction completed the delivery"),
    ] {
        let (database, log) = (SqliteDatabase::new(), Log::default());
        let _listening = log.listen();
        let own = Own::new(&database);
        let ship = move |context: &Context<'_>| {
            let (own, delivery) = (own.clone(), Delivery::from_context(context));
            async move {
                own.effect(Driver::Plain, "order-7", delivery?, ending).await?;
                if ending == Ending::Commits { Err(BoxError::from("the printer is on fire")) } else { Ok(()) }
            }
        };
        let builder = trusting_builder(&database, Dispatcher::empty()).runtime(Handle::current());
        let athm = builder.connect("ship", [Signal::Completed], ship).start().await.unwrap();
        athm.record(payment(7, Status::Completed).build(), Sender::CALLBACK).await.unwrap();
        athm.idle().await;
        let [line] = &log.lines(line)[..] else { panic!("{}", log.text()) };
        assert!(line.contains("WARN"), "{line}");
        assert_eq!(line.contains("the printer is on fire"), ending == Ending::Commits, "{line}");
        assert!(log.lines("receiver failed for good").is_empty(), "{}", log.text());
        athm.shutdown(Duration::from_secs(5)).await;
    }
}
