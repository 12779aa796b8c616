//! The test kit, tested.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use athm_core::dispatch::{Dispatcher, Failure};
use athm_core::testing::ReportExt as _;
use athm_core::testing::{self, Recorder};
use athm_core::{
    Amount, BoxError, Delivery, Permanent, Refund, Sender, Signal, State, Status, Transaction, TransactionKind,
    UnexpectedTotal, receiver,
};
use athm_tests::{SqliteDatabase, trusting_builder};

/// The calls of a fake.
type Notes = Recorder<String>;

trait Shop: Send + Sync {
    fn price(&self) -> Amount;
}

struct Fixed(i64);

impl Shop for Fixed {
    fn price(&self) -> Amount {
        Amount::from_cents(self.0)
    }
}

#[receiver(completed, id = "kit::orders::fulfil", sender = "kit")]
fn fulfil(transaction: &Transaction, State(shop): State<dyn Shop>) -> Result<(), UnexpectedTotal> {
    transaction.expect_total(shop.price())
}

#[receiver(received, cancelled, id = "kit::audit", sender = "kit")]
async fn audit(signal: Signal, sender: &Sender, State(notes): State<Notes>) {
    tokio::task::yield_now().await;
    notes.note(format!("{signal} by {sender}"));
}

#[receiver(completed, refunded, id = "kit::ledger", attempts = 3, sender = "kit")]
fn ledger(delivery: Delivery, signal: Signal, State(notes): State<Notes>) {
    let (attempt, last) = (delivery.attempt(), delivery.is_last_attempt());
    let (replay, durable) = (delivery.is_replay(), delivery.is_durable());
    notes.note(format!("{signal}: attempt {attempt}, last {last}, replay {replay}, durable {durable}"));
    notes.note(delivery.idempotency_key().to_string());
}

#[receiver(refunded, id = "kit::refunds::credit", sender = "kit")]
fn credit(refund: &Refund, State(notes): State<Notes>) {
    notes.note(format!("{} of {}", refund.amount, refund.total_refunded));
}

#[receiver(refunded, id = "kit::other::credit", sender = "kit")]
fn another_credit() {}

#[receiver(completed, id = "kit::panics", sender = "kit")]
fn panics() {
    panic!("no mugs left");
}

#[receiver(completed, id = "kit::dies", sender = "kit")]
fn dies() -> Result<(), BoxError> {
    Err(Permanent::new("no such order").into())
}

fn paid() -> Transaction {
    Transaction::sample().completed().build()
}

/// What a test of the user's would have died of.
fn message_of(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).expect_err("it should have panicked");
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap()
}

mod samples {
    use super::*;

    #[test]
    fn have_what_a_payment_in_their_state_has() {
        let open = Transaction::sample().build();
        assert_eq!(
            (open.status(), open.total(), open.metadata_1()),
            (&Status::Open, Amount::from_cents(2500), "order-1")
        );
        assert!(open.is_verified() && open.ecommerce_id().is_some());
        assert_eq!((open.reference_number(), open.date(), open.net_amount()), (None, None, Amount::ZERO));

        let paid = Transaction::sample().total("40.00").completed().build();
        assert!(paid.reference_number().is_some() && paid.date().is_some());
        assert_eq!((paid.subtotal(), paid.fee().cents(), paid.net_amount().cents()), (paid.total(), 100, 3900));
        assert_eq!(Transaction::sample().expired().build().status(), &Status::Expired);
        let back = Transaction::sample().refunded("5.00").build();
        assert_eq!((back.status(), back.refunded_amount().cents()), (&Status::Completed, 500));
    }

    #[test]
    fn keep_what_was_given_in_whatever_order() {
        let one = Transaction::sample().completed().total("10.00").fee(Amount::from_cents(1)).build();
        let other =
            Transaction::sample().fee(Amount::from_cents(1)).total(Amount::from_cents(1000)).completed().build();
        for sample in [one, other] {
            assert_eq!((sample.total().cents(), sample.fee().cents()), (1000, 1));
        }
        let split = Transaction::sample().subtotal(Amount::from_cents(900)).total("10.00").unverified().build();
        assert_eq!((split.subtotal().cents(), split.is_verified()), (900, false));
        let donation = Transaction::sample().kind(TransactionKind::Donation).completed().build();
        assert_eq!(donation.ecommerce_id(), None);
    }

    #[test]
    fn are_payments_apart() {
        let (one, other) = (paid(), paid());
        assert_ne!(one.ecommerce_id(), other.ecommerce_id());
        assert_ne!(one.reference_number(), other.reference_number());
    }

    #[test]
    fn say_so_when_the_amount_is_none() {
        let message = message_of(|| drop(Transaction::sample().total("a mug")));
        assert!(message.contains("the amount of a sample") && message.contains("a mug"), "{message}");
    }
}

mod calls {
    use super::*;

    #[tokio::test]
    async fn reach_one_receiver_by_the_end_of_its_id_with_fakes_for_its_states() {
        let paid = paid();
        let dear = testing::call("fulfil", &paid).shared_state::<dyn Shop>(Arc::new(Fixed(9900)));
        let failure = dear.await.unwrap_err();
        assert_eq!(failure.to_string(), "expected a total of 99.00, but 25.00 was paid");
        testing::call("kit::orders::fulfil", &paid).shared_state::<dyn Shop>(Arc::new(Fixed(2500))).await.unwrap();
    }

    #[test]
    fn need_no_async_test() {
        let notes = Notes::default();
        let cancelled = Transaction::sample().cancelled().build();
        testing::call("audit", &cancelled).state(notes.clone()).run_blocking().unwrap();
        notes.assert_noted(["cancelled by kit"]);
    }

    #[tokio::test]
    async fn choose_the_signal_that_the_receiver_hears_of_that_payment() {
        let notes = Notes::default();
        for payment in [Transaction::sample().expired(), Transaction::sample().cancelled()] {
            testing::call("audit", &payment.build()).state(notes.clone()).await.unwrap();
        }
        let cancelled = Transaction::sample().cancelled().build();
        testing::call("audit", &cancelled).state(notes.clone()).signal(Signal::Received).await.unwrap();
        notes.assert_noted(["received by kit", "cancelled by kit", "received by kit"]);
    }

    #[tokio::test]
    async fn are_attempts_of_one_delivery() {
        let (notes, paid) = (Notes::default(), paid());
        let ledger = testing::call("ledger", &paid).state(notes.clone());
        ledger.run().await.unwrap();
        ledger.clone().attempt(3).replay().await.unwrap();
        let noted = notes.noted();
        assert_eq!(noted[0], "completed: attempt 1, last false, replay false, durable true");
        assert_eq!(noted[2], "completed: attempt 3, last true, replay true, durable true");
        assert_eq!(noted[1], noted[3]);
        testing::call("ledger", &paid).state(notes.clone()).await.unwrap();
        assert_ne!(notes.noted()[5], noted[1]);
    }

    #[tokio::test]
    async fn bring_the_refund_of_the_sample_or_the_one_given() {
        let (notes, back) = (Notes::default(), Transaction::sample().refunded("5.00").build());
        let credit = testing::call("refunds::credit", &back).state(notes.clone());
        credit.run().await.unwrap();
        credit.refund(Amount::from_cents(200), Amount::from_cents(700)).await.unwrap();
        notes.assert_noted(["5.00 of 5.00", "2.00 of 7.00"]);
        testing::call("ledger", &back).state(notes.clone()).await.unwrap();
        assert!(notes.noted()[2].starts_with("refunded: "));
    }

    #[tokio::test]
    async fn tell_errors_from_panics() {
        let paid = paid();
        let panic = testing::call("kit::panics", &paid).await.unwrap_err();
        assert!(matches!(&panic, Failure::Panic(message) if message == "no mugs left"), "{panic:?}");
        assert!(matches!(testing::call("kit::dies", &paid).await, Err(Failure::Error(_))));
    }

    #[test]
    fn tell_a_wrong_test_from_a_receiver_that_fails() {
        let (paid, open) = (paid(), Transaction::sample().build());
        let message = message_of(|| drop(testing::call("fulfill", &paid)));
        assert!(message.contains("no receiver \"fulfill\"") && message.contains("kit::orders::fulfil ("), "{message}");
        assert!(message.contains("link!"), "{message}");

        let message = message_of(|| drop(testing::call("credit", &paid)));
        assert!(message.contains("kit::refunds::credit") && message.contains("kit::other::credit"), "{message}");
        assert!(!message.contains("kit::audit"), "{message}");

        let message = message_of(|| drop(testing::call("fulfil", &paid).run_blocking()));
        assert!(
            message.contains("kit::orders::fulfil") && message.contains("dyn") && message.contains("Shop"),
            "{message}"
        );

        let fulfil = |payment| testing::call("fulfil", payment).shared_state::<dyn Shop>(Arc::new(Fixed(1)));
        let message = message_of(|| drop(fulfil(&open).run_blocking()));
        assert!(message.contains("listens to completed") && message.contains("fires nothing"), "{message}");
        let message = message_of(|| drop(fulfil(&paid).signal(Signal::Expired).run_blocking()));
        assert!(message.contains("listens to completed, not to expired"), "{message}");
        let message = message_of(|| drop(fulfil(&paid).sender(Sender::WEBHOOK).run_blocking()));
        assert!(message.contains("listens to the sender kit alone, not to webhook"), "{message}");
    }
}

mod dispatches {
    use super::*;

    #[tokio::test]
    async fn reach_only_the_receivers_that_are_named() {
        let notes = Notes::default();
        let some = testing::only(["audit", "ledger", "kit::panics"]).state(notes.clone());
        assert_eq!(some.receivers().len(), 3);
        let report = some.dispatch(&paid(), Sender::new("kit")).await;
        report.assert_ran([
            ("kit::panics", Signal::Completed),
            ("ledger", Signal::Completed),
            ("audit", Signal::Received),
        ]);
        report.assert_ran_in_order([
            ("audit", Signal::Received),
            ("ledger", Signal::Completed),
            ("kit::panics", Signal::Completed),
        ]);
        assert_eq!(notes.noted()[0], "received by kit");
    }

    #[tokio::test]
    async fn are_shown_line_by_line_when_a_test_expects_others() {
        let report = testing::only(["kit::panics", "kit::dies"]).dispatch(&paid(), Sender::new("kit")).await;
        let message =
            message_of(|| report.assert_ran([("kit::panics", Signal::Completed), ("audit", Signal::Received)]));
        assert_eq!(
            message,
            "expected, in any order:\n    kit::panics (completed)\n    audit (received)\nbut what ran is:\n    \
             kit::panics (completed), which failed: it panicked: no mugs left\n    \
             kit::dies (completed), which failed: a retry can't succeed: no such order"
        );
        let other_order = [("kit::dies", Signal::Completed), ("kit::panics", Signal::Completed)];
        report.assert_ran(other_order);
        assert!(message_of(|| report.assert_ran_in_order(other_order)).starts_with("expected, in this order:"));
        assert!(message_of(|| report.assert_ran([])).contains("(nothing)"));
        let message = message_of(|| report.assert_ok());
        assert!(message.starts_with("expected every receiver to succeed") && message.contains("mugs"), "{message}");
    }

    #[tokio::test]
    async fn count_a_receiver_as_often_as_it_ran() {
        let recorder = Recorder::new();
        let dispatcher = Dispatcher::empty();
        dispatcher.connect("spy", [Signal::Expired], recorder.receiver()).unwrap();
        let expired = Transaction::sample().expired().build();
        for _ in 0..2 {
            dispatcher.dispatch(&expired, Sender::CALLBACK).await.assert_ok();
        }
        let message = message_of(|| recorder.assert_ran([("spy", Signal::Expired)]));
        assert_eq!(message.matches("spy (expired)").count(), 3, "{message}");
        recorder.assert_ran([("spy", Signal::Expired), ("spy", Signal::Expired)]);
    }
}

mod recorders {
    use super::*;

    #[tokio::test]
    async fn wait_for_what_other_threads_bring() {
        let notes = Notes::default();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let notes = notes.clone();
                std::thread::spawn(move || notes.note(thread.to_string()))
            })
            .collect();
        let mut noted = notes.wait_for(4).await;
        noted.sort();
        assert_eq!(noted, ["0", "1", "2", "3"]);
        notes.wait_until(|noted| noted.contains(&"3".to_owned())).await;
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn run_out_of_time_and_show_what_came() {
        let notes = Notes::default().timeout(Duration::ZERO);
        notes.note("only one");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let message = message_of(|| drop(runtime.block_on(notes.wait_for(2))));
        assert!(message.contains("waited for 0ns") && message.contains("only one"), "{message}");
        let message = message_of(|| notes.assert_noted(["another"]));
        assert!(message.contains("another") && message.contains("only one"), "{message}");
    }

    #[tokio::test]
    async fn watch_what_is_delivered_durably_and_leave_errors_as_they_are() {
        let (recorder, database) = (Recorder::new(), SqliteDatabase::new());
        let receivers = testing::only(["kit::dies", "audit"]).state(Notes::default());
        receivers.connect("connected", [Signal::Completed], |_| ()).unwrap();
        let athm = trusting_builder(&database, recorder.watch(&receivers)).start().await.unwrap();

        athm.record(paid(), Sender::new("kit")).await.unwrap();
        athm.idle().await;

        recorder.assert_ran([
            ("audit", Signal::Received),
            ("kit::dies", Signal::Completed),
            ("connected", Signal::Completed),
        ]);
        let dies = recorder.noted().into_iter().find(|run| run.receiver() == "kit::dies").unwrap();
        assert_eq!(dies.failure(), Some("a retry can't succeed: no such order"));
        assert_eq!((dies.sender().as_str(), dies.transaction().metadata_1()), ("kit", "order-1"));
        assert!(message_of(|| recorder.assert_ok()).contains("kit::dies"));
        // Permanent still: dead at the first attempt.
        assert_eq!(athm.deliveries().dead().await.unwrap().len(), 1);
        athm.shutdown(Duration::ZERO).await;
    }
}
