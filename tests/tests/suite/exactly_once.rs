//! A receiver's own rows commit with its delivery.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use athm_core::deliveries::{DeliveryQuery, DeliveryRecord, DeliveryState};
use athm_core::dispatch::{Dispatcher, Failure, ReceiverOptions};
use athm_core::errors::CompletionError;
use athm_core::testing::{BuilderExt as _, Clock};
use athm_core::{Athm, BoxError, Context, Delivery, FromContext, Sender, Signal, Status};
use athm_tests::{TestDatabase as _, advance_until, payment, trusting_builder};

use crate::Database;
use crate::own::Own;

const KIOSK: Sender = Sender::from_static("kiosk");

/// What executes the completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// rusqlite, or tokio-postgres.
    Plain,
    /// sqlx.
    Sqlx,
    /// The first one, given the statement alone.
    Statement,
}

/// How the receiver's own transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Commits,
    RollsBack,
    /// It asks twice to complete the delivery.
    Twice,
}

impl Ending {
    pub(crate) fn times(self) -> u32 {
        if self == Self::Twice { 2 } else { 1 }
    }
}

/// A program with one receiver, which has its effect in a table of its own. It counts its runs.
struct Shop {
    athm: Athm,
    own: Own,
    clock: Clock,
    runs: Arc<AtomicU32>,
}

impl Shop {
    /// `behave` gets the number of the run, from 1.
    async fn open<F>(database: &Database, behave: impl Fn(Own, Delivery, u32) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let (dispatcher, clock, runs) = (Dispatcher::empty(), Clock::manual(), Arc::new(AtomicU32::new(0)));
        let slot = Arc::new(std::sync::OnceLock::<Own>::new());
        let (counted, own) = (Arc::clone(&runs), Arc::clone(&slot));
        let fulfil = move |context: &Context<'_>| {
            let run = counted.fetch_add(1, Ordering::SeqCst) + 1;
            behave(own.get().expect("a table").clone(), Delivery::from_context(context).unwrap(), run)
        };
        let options = ReceiverOptions::new("fulfil").backoff(Duration::from_secs(1));
        dispatcher.connect(options, [Signal::Completed], fulfil).unwrap();
        let builder = trusting_builder(database, dispatcher).clock(clock.clone());
        let athm = builder.start().await.unwrap();
        let own = Own::new(database);
        slot.set(own.clone()).expect("it was empty");
        Self { athm, own, clock, runs }
    }

    async fn pay(&self) {
        self.athm.record(payment(1, Status::Completed).build(), KIOSK).await.unwrap();
        self.athm.idle().await;
    }

    /// Lets an hour pass.
    async fn wait(&self) {
        for _ in 0..60 {
            self.clock.advance(Duration::from_secs(60));
            self.athm.idle().await;
        }
    }

    async fn delivery(&self) -> DeliveryRecord {
        self.athm.deliveries().list(DeliveryQuery::new()).await.unwrap().deliveries()[0].clone()
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }

    async fn close(self) {
        self.athm.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receivers_own_rows_commit_with_its_delivery() {
    for driver in Own::DRIVERS {
        let database = Database::new();
        let shop = Shop::open(&database, move |own, delivery, _| async move {
            own.effect(*driver, "order-1", delivery, Ending::Commits).await
        })
        .await;
        shop.pay().await;
        let delivery = shop.delivery().await;
        assert_eq!((delivery.state, delivery.attempts, delivery.error), (DeliveryState::Succeeded, 1, None));
        shop.wait().await;
        assert_eq!((shop.runs(), shop.own.effects().await), (1, 1), "{driver:?}");
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_whose_transaction_rolls_back_runs_again_although_the_receiver_returns_ok() {
    for driver in Own::DRIVERS {
        let database = Database::new();
        let shop = Shop::open(&database, move |own, delivery, run| async move {
            let ending = if run == 1 { Ending::RollsBack } else { Ending::Commits };
            own.effect(*driver, "order-1", delivery, ending).await
        })
        .await;
        shop.pay().await;
        assert_eq!(shop.own.effects().await, 0);
        advance_until(&shop.clock, async || shop.delivery().await.state == DeliveryState::Succeeded).await;
        shop.athm.idle().await;
        assert_eq!((shop.runs(), shop.own.effects().await), (2, 1), "{driver:?}");
        // The history has both: the one that wasn't completed, and the success after it.
        let attempts = shop.athm.deliveries().attempts(shop.delivery().await.id).await.unwrap();
        let errors: Vec<_> = attempts.into_iter().map(|attempt| attempt.error).collect();
        let rolled_back = "the transaction that was to complete the delivery didn't commit";
        assert_eq!(errors, [Some(rolled_back.to_owned()), None]);
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_or_panics_after_its_commit_stays_completed() {
    for panics in [false, true] {
        let database = Database::new();
        let shop = Shop::open(&database, move |own, delivery, _| async move {
            own.effect(Driver::Plain, "order-1", delivery, Ending::Commits).await?;
            assert!(!panics, "the receipt couldn't be printed");
            Err("the receipt couldn't be printed".into())
        })
        .await;
        shop.pay().await;
        let delivery = shop.delivery().await;
        assert_eq!((delivery.state, delivery.attempts, delivery.error), (DeliveryState::Succeeded, 1, None));
        shop.wait().await;
        assert_eq!((shop.runs(), shop.own.effects().await), (1, 1));
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_attempt_gets_an_error_and_its_rows_roll_back() {
    let database = Arc::new(Database::new());
    let (refused, taken) = (Arc::new(std::sync::Mutex::new(None)), Arc::clone(&database));
    let errors = Arc::clone(&refused);
    let shop = Shop::open(&database, move |own, delivery, run| {
        let (errors, taken) = (Arc::clone(&errors), Arc::clone(&taken));
        async move {
            if run == 1 {
                // Another attempt claims it, as another process does after the lease.
                taken.execute("UPDATE athm_delivery SET claim = id");
            }
            let result = own.effect(Driver::Plain, "order-1", delivery, Ending::Commits).await;
            if let Err(error) = &result {
                *errors.lock().unwrap() = Some(error.to_string());
            }
            result
        }
    })
    .await;
    shop.pay().await;
    assert_eq!(*refused.lock().unwrap(), Some(CompletionError::TakenOver.to_string()));
    assert_eq!((shop.own.effects().await, shop.delivery().await.state), (0, DeliveryState::Running));
    // The other attempt's lease ends, and the delivery runs again.
    advance_until(&shop.clock, async || shop.delivery().await.state == DeliveryState::Succeeded).await;
    assert_eq!((shop.runs(), shop.own.effects().await), (2, 1));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_completed_once_and_only_where_it_is_stored() {
    let (database, other) = (Database::new(), Database::new());
    let elsewhere = Own::new(&other);
    let behave = move |own: Own, delivery: Delivery, run: u32| {
        let elsewhere = elsewhere.clone();
        async move {
            match run {
                1 => own.effect(Driver::Plain, "order-1", delivery, Ending::Twice).await,
                2 => elsewhere.effect(Driver::Plain, "order-1", delivery, Ending::Commits).await,
                _ => own.effect(Driver::Plain, "order-1", delivery, Ending::Commits).await,
            }
        }
    };
    let shop = Shop::open(&database, behave).await;
    shop.pay().await;
    shop.wait().await;
    let attempts = shop.athm.deliveries().attempts(shop.delivery().await.id).await.unwrap();
    let errors: Vec<_> = attempts.into_iter().map(|attempt| attempt.error).collect();
    let expected =
        [CompletionError::AlreadyCompleted, CompletionError::OtherDatabase].map(|error| Some(error.to_string()));
    assert_eq!(errors, [expected[0].clone(), expected[1].clone(), None]);
    assert_eq!((shop.runs(), shop.own.effects().await), (3, 1));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatch_by_hand_has_nothing_to_complete() {
    let database = Database::new();
    let shop = Shop::open(&database, |own, delivery, _| async move {
        own.effect(Driver::Plain, "order-1", delivery, Ending::Commits).await
    })
    .await;
    let report = shop.athm.dispatch(&payment(1, Status::Completed).build(), KIOSK).await;
    let failures: Vec<_> = report.failures().map(|entry| entry.result()).collect();
    let [Err(Failure::Error(error))] = failures[..] else { panic!("{failures:?}") };
    assert!(matches!(error.downcast_ref(), Some(CompletionError::ByHand)), "{error}");
    assert_eq!(shop.own.effects().await, 0);
    shop.close().await;
}
