//! Refunds that the report lists.

use std::time::Duration;

use athm_core::testing::BuilderExt as _;
use athm_core::testing::Clock;
use athm_core::{Message, MessageResult, Sender, Transaction, TransactionKind};
use athm_simulator::{RefundReference, Simulator};
use athm_tests::{TextRecorder, completed_payment, verifying_builder};
use serde_json::json;

use super::{cents, fired, listed, partial, refund_event, webhook};
use crate::{Database, MerchantFixture};

#[tokio::test]
async fn a_refund_in_the_report_does_not_fire_again() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.refund_elsewhere(800);
    assert_eq!(webhook(&merchant, refund_event("12-ab", "8.00")).await, MessageResult::Recorded);
    let listed_as = |daily: &str, amount: &str, date: &str| {
        let entry = json!({
            "transactionType": "REFUND", "status": "COMPLETED", "referenceNumber": "12-ab", "total": amount,
            "dailyTransactionID": daily, "date": date,
        });
        let entry = Message::parse("application/json", entry.to_string().as_bytes()).unwrap();
        let listed = Transaction::builder(athm_core::Status::Completed, entry.total().unwrap())
            .kind(TransactionKind::Refund)
            .reference_number("12-ab".parse().unwrap())
            .daily_transaction_id(daily)
            .date(entry.date().unwrap());
        merchant.athm.record(listed.build(), Sender::new("report"))
    };
    let day = "2020-01-01 12:00:00.0";
    for (daily, amount) in [("0035", "3.00"), ("35", "3.00"), ("36", "5.00"), ("0036", "5.00")] {
        assert_eq!(listed_as(daily, amount, day).await.unwrap().events(), []);
    }
    let listed = listed(&merchant, &paid).await;
    let kept: Vec<_> =
        listed.iter().map(|refund| (refund.amount.cents(), refund.daily_transaction_id.as_deref())).collect();
    assert_eq!(kept, [(300, Some("0035")), (500, Some("36"))]);
    assert_eq!(fired(&merchant).await, ["received by webhook", "refunded by webhook"]);
}

/// On the simulator, whose refunds carry their own reference or the payment's.
#[tokio::test]
async fn two_equal_refunds_stay_two_when_the_report_lists_them() {
    for numbered in [RefundReference::Own, RefundReference::Payment] {
        let (simulator, database) =
            (Simulator::builder().refund_reference(numbered).start().await.unwrap(), Database::new());
        let (recorder, clock) = (TextRecorder::new(), Clock::manual());
        let athm = verifying_builder(&simulator, &database, recorder.listening())
            .clock(clock.clone())
            .without_sweeper()
            .start()
            .await
            .unwrap();
        let paid = simulator.insert(completed_payment());
        let seen = athm.provider().unwrap().find(&paid).await.unwrap();
        let payment = athm.record(seen, Sender::CALLBACK).await.unwrap().transaction().id();
        for _ in 0..2 {
            athm.refund(payment, partial(500)).await.unwrap();
        }
        let minute = Duration::from_secs(60);
        simulator.skip(minute);
        clock.advance(minute);
        let (from, until) = (clock.now() - minute * 60, clock.now());
        let report = athm.provider().unwrap().report(from, until).await.unwrap();
        assert!(report.iter().any(|entry| entry.kind() == &TransactionKind::Refund), "{numbered:?}: {report:?}");
        for entry in report.into_iter().filter(|entry| entry.kind() == &TransactionKind::Refund) {
            assert_eq!(athm.record(entry, Sender::new("report")).await.unwrap().events(), []);
        }
        let refunds = athm.refunds().of(payment).await.unwrap();
        let totals: Vec<_> = refunds.iter().filter_map(|refund| refund.total_refunded).collect();
        assert_eq!(totals, [cents(500), cents(1000)], "{numbered:?}: {refunds:?}");
        assert_ne!(refunds[0].daily_transaction_id, refunds[1].daily_transaction_id);
        athm.idle().await;
        let fired = recorder.noted().iter().filter(|noted| noted.starts_with("refunded")).count();
        assert_eq!(fired, 2);
        athm.shutdown(minute).await;
    }
}
