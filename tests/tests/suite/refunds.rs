//! Money given back: never more than is left, never twice, and one refund whoever tells of it.

use std::sync::Arc;
use std::time::Duration;

use athm_core::provider::{Client, InvalidRequest, ProviderError};
use athm_core::{
    Amount, Athm, Clock, InvalidRefund, Message, MessageResult, NewRefund, OperationError, RefundId, RefundRecord,
    RefundResolution, RefundState, Sender, Transaction, TransactionId, TransactionKind,
};
use athm_simulator::{Effect, Endpoint, Fault, RefundReference, SimulatedPayment, Simulator};
use athm_tests::{
    MerchantFault, TestDatabase, TextRecorder, completed_payment, ecommerce_id, eventually, trusting_builder,
    verifying_builder,
};
use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{Database, MerchantFixture};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn cents(cents: i64) -> Amount {
    Amount::from_cents(cents)
}

fn partial(amount: i64) -> NewRefund {
    NewRefund::partial(cents(amount))
}

/// What was noted since the payment was paid: of several refunds, the receivers run in any order.
async fn news(merchant: &MerchantFixture) -> Vec<String> {
    let mut news = merchant.noted().await.split_off(2);
    news.sort();
    news
}

async fn listed(merchant: &MerchantFixture, payment: &Transaction) -> Vec<RefundRecord> {
    merchant.athm.refunds().of(payment.id()).await.unwrap()
}

/// State and cents of each refund that is listed.
async fn states(merchant: &MerchantFixture, payment: &Transaction) -> Vec<(RefundState, i64)> {
    listed(merchant, payment).await.into_iter().map(|refund| (refund.state, refund.amount.cents())).collect()
}

async fn refunded(merchant: &MerchantFixture, payment: &Transaction) -> i64 {
    merchant.athm.transaction(payment.id()).await.unwrap().unwrap().refunded_amount().cents()
}

async fn webhook(merchant: &MerchantFixture, body: Value) -> MessageResult {
    let body = body.to_string().into_bytes();
    let callback = Message::parse("application/json", &body).unwrap();
    merchant.athm.receive(callback, Sender::WEBHOOK, body).await.unwrap()
}

fn refund_event(reference: &str, amount: &str) -> Value {
    json!({ "transactionType": "refund", "status": "completed", "referenceNumber": reference, "total": amount })
}

const FIRED: [&str; 2] = ["received by refund", "refunded by refund"];
const TWICE: [&str; 4] = [FIRED[0], FIRED[0], FIRED[1], FIRED[1]];

#[tokio::test]
async fn a_part_is_given_back_and_then_the_rest() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    let first = merchant.athm.refund(paid.id(), partial(700).message("One mug was broken")).await.unwrap();
    assert_eq!((first.amount, first.state, first.total_refunded), (cents(700), RefundState::Done, Some(cents(700))));
    assert_eq!((first.daily_transaction_id.as_deref(), first.is_ours), (Some("0700"), true));
    assert_eq!(first.reference_number, Some("refund-700".parse().unwrap()));
    let asked = merchant.provider.requests().pop().unwrap();
    assert_eq!(
        (asked.body["amount"].as_str(), asked.body["message"].as_str()),
        (Some("7.00"), Some("One mug was broken"))
    );

    let rest = merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap();
    assert_eq!((rest.amount, rest.total_refunded), (cents(1800), Some(cents(2500))));
    assert_eq!((merchant.refunded(), refunded(&merchant, &paid).await), (2500, 2500));
    assert_eq!(listed(&merchant, &paid).await, [first, rest]);
    assert_eq!(news(&merchant).await, TWICE);
    // Each cost one request.
    assert_eq!((merchant.provider.request_count("/refund"), merchant.provider.request_count("/findPayment")), (2, 0));
}

#[tokio::test]
async fn no_more_than_is_left_is_asked_for() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    let refund = async |id, new| merchant.athm.refund(id, new).await.unwrap_err();
    assert!(matches!(refund(open.id(), NewRefund::full()).await, OperationError::NotPaid { .. }));
    merchant.approve();
    merchant.athm.authorize(open.id()).await.unwrap();
    assert!(
        matches!(refund(open.id(), partial(2501)).await, OperationError::RefundTooMuch { left, .. } if left == cents(2500))
    );
    merchant.athm.refund(open.id(), NewRefund::full()).await.unwrap();
    assert!(
        matches!(refund(open.id(), NewRefund::full()).await, OperationError::RefundTooMuch { left, .. } if left == cents(0))
    );
    assert!(matches!(refund(open.id(), partial(1)).await, OperationError::RefundTooMuch { .. }));
    let nobody = TransactionId::from(uuid::Uuid::nil());
    assert!(matches!(refund(nobody, NewRefund::full()).await, OperationError::UnknownTransaction { .. }));
    let invalid = refund(open.id(), partial(0)).await;
    assert!(matches!(
        invalid,
        OperationError::Provider(ProviderError::Invalid(InvalidRequest::Refund(InvalidRefund::Amount { .. })))
    ));
    let invalid = refund(open.id(), partial(1).message("x".repeat(51))).await;
    assert!(matches!(
        invalid,
        OperationError::Provider(ProviderError::Invalid(InvalidRequest::Refund(InvalidRefund::Message { .. })))
    ));
    assert_eq!(merchant.provider.request_count("/refund"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_refunds_are_made_one_after_another_and_never_overspend() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    let refunds = join_all((0..8).map(|_| merchant.athm.refund(paid.id(), partial(1000)))).await;
    let (done, refused): (Vec<_>, Vec<_>) = refunds.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), merchant.refunded(), refunded(&merchant, &paid).await), (2, 2000, 2000));
    for error in refused {
        assert!(matches!(error, Err(OperationError::RefundTooMuch { left, .. }) if left == cents(500)), "{error:?}");
    }
    assert_eq!(merchant.provider.request_count("/refund"), 2);
    assert_eq!(news(&merchant).await.len(), 4);
}

#[tokio::test]
async fn two_equal_partial_refunds_stay_two() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    let first = merchant.athm.refund(paid.id(), partial(500)).await.unwrap();
    let second = merchant.athm.refund(paid.id(), partial(500)).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!((first.total_refunded, second.total_refunded), (Some(cents(500)), Some(cents(1000))));
    assert_eq!(news(&merchant).await, TWICE);
}

#[tokio::test]
async fn an_unheard_refund_is_found_done_at_once() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    let refund = merchant.athm.refund(paid.id(), partial(700)).await.unwrap();
    assert_eq!((refund.state, refund.amount), (RefundState::Done, cents(700)));
    assert_eq!((merchant.provider.request_count("/refund"), merchant.provider.request_count("/findPayment")), (1, 1));
    assert_eq!(news(&merchant).await, FIRED);
}

#[tokio::test]
async fn an_unknown_outcome_keeps_the_amount_until_the_ledger_shows_it() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.report_refunded(Some(0));
    let error = merchant.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };
    assert!(error.to_string().contains("must not be repeated"), "{error}");
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Pending, 700)]);
    for new in [partial(1), NewRefund::full()] {
        let error = merchant.athm.refund(paid.id(), new).await.unwrap_err();
        assert!(
            matches!(error, OperationError::RefundPending { refund: pending, .. } if pending == refund),
            "{error:?}"
        );
    }
    assert_eq!((news(&merchant).await.len(), merchant.provider.request_count("/refund")), (0, 1));

    merchant.report_refunded(None);
    merchant.advance_until(async || merchant.recorder.noted().len() == 4).await;
    assert_eq!(news(&merchant).await, FIRED);
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(1800));
    assert_eq!(merchant.refunded(), 2500);
}

#[tokio::test]
async fn another_refund_is_made_as_soon_as_the_ledger_shows_the_last_one() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.report_refunded(Some(0));
    assert!(matches!(merchant.athm.refund(paid.id(), partial(700)).await, Err(OperationError::RefundUnknown { .. })));
    merchant.report_refunded(None);
    // It looks again before it refuses.
    assert_eq!(merchant.athm.refund(paid.id(), partial(300)).await.unwrap().total_refunded, Some(cents(1000)));
}

#[tokio::test]
async fn promise_9_a_lost_refund_is_never_repeated_and_after_a_day_a_person_decides() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::RequestLost);
    let error = merchant.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };
    merchant.clock.advance(DAY - Duration::from_secs(60));
    assert_eq!(merchant.athm.refunds().unresolved().await.unwrap(), []);
    merchant.clock.advance(Duration::from_secs(60));
    let unresolved = merchant.athm.refunds().unresolved().await.unwrap();
    assert_eq!(unresolved.iter().map(|refund| refund.id).collect::<Vec<_>>(), [refund]);
    assert_eq!(merchant.provider.request_count("/refund"), 1);

    let resolved = merchant.athm.refund_resolve(refund, RefundResolution::NotDone).await.unwrap();
    assert_eq!((resolved.state, resolved.total_refunded), (RefundState::NotDone, None));
    assert_eq!(merchant.athm.refunds().unresolved().await.unwrap(), []);
    assert!(news(&merchant).await.is_empty());
    let again = merchant.athm.refund_resolve(refund, RefundResolution::Done).await.unwrap_err();
    assert!(matches!(again, OperationError::RefundNotOpen { state: RefundState::NotDone, .. }), "{again:?}");
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(2500));
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 2500), (RefundState::NotDone, 700)]);
}

#[tokio::test]
async fn what_a_person_says_was_done_fires_once_and_the_ledger_adds_nothing_to_it() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.report_refunded(Some(0));
    let error = merchant.athm.refund(paid.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };
    let resolved = merchant.athm.refund_resolve(refund, RefundResolution::Done).await.unwrap();
    assert_eq!((resolved.state, resolved.total_refunded), (RefundState::Done, Some(cents(700))));
    merchant.report_refunded(None);
    assert_eq!(webhook(&merchant, refund_event("12-ab", "7.00")).await, MessageResult::Known);
    assert_eq!(news(&merchant).await, FIRED);
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
    let unknown = merchant.athm.refund_resolve(RefundId::from(uuid::Uuid::nil()), RefundResolution::Done).await;
    assert!(matches!(unknown, Err(OperationError::UnknownRefund { .. })));
}

#[tokio::test]
async fn a_refused_refund_sets_its_amount_free() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.fail_next("/refund", MerchantFault::Refused("BTRA_0030"));
    let error = merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap_err();
    assert!(matches!(error, OperationError::Provider(ProviderError::Rejected { .. })), "{error:?}");
    assert_eq!(states(&merchant, &paid).await, [(RefundState::NotDone, 2500)]);
    merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap();
    assert_eq!(news(&merchant).await, FIRED);
}

#[tokio::test]
async fn money_given_back_elsewhere_is_noticed_when_the_provider_refuses_more() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.refund_elsewhere(2000);
    let error = merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap_err();
    assert!(matches!(error, OperationError::Provider(ProviderError::Rejected { .. })), "{error:?}");
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 2000), (RefundState::NotDone, 2500)]);
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(500));
    assert_eq!(merchant.refunded(), 2500);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_refund_leaves_it_set_aside_and_finds_it_done() {
    let mut merchant = MerchantFixture::open().await;
    let (paid, go) = (merchant.paid().await, Arc::new(Notify::new()));
    merchant.fail_next("/refund", MerchantFault::ResponseHeld(go));
    let (athm, id) = (merchant.athm.clone(), paid.id());
    let refunding = tokio::spawn(async move { athm.refund(id, partial(700)).await });
    eventually(async || merchant.provider.request_count("/refund") == 1).await;
    merchant.report_refunded(Some(0));
    merchant.crash().await;
    assert!(refunding.await.unwrap().is_err());
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Pending, 700)]);
    merchant.report_refunded(None);
    merchant.advance_until(async || merchant.recorder.noted().len() == 4).await;
    assert_eq!(
        (news(&merchant).await, merchant.provider.request_count("/refund")),
        (FIRED.map(Into::into).to_vec(), 1)
    );
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
}

#[tokio::test]
async fn a_refund_that_was_made_and_could_not_be_recorded_is_unknown_and_found_done() {
    let merchant = MerchantFixture::open().await;
    let (paid, go) = (merchant.paid().await, Arc::new(Notify::new()));
    merchant.fail_next("/refund", MerchantFault::ResponseHeld(Arc::clone(&go)));
    let refunding = merchant.athm.refund(paid.id(), partial(700));
    let breaking = async {
        eventually(async || merchant.provider.request_count("/refund") == 1).await;
        merchant.database.execute("ALTER TABLE athm_event RENAME TO gone");
        go.notify_one();
    };
    let (refund, ()) = join(refunding, breaking).await;
    assert!(matches!(refund, Err(OperationError::RefundUnknown { .. })), "{refund:?}");
    merchant.database.execute("ALTER TABLE gone RENAME TO athm_event");
    merchant.advance_until(async || merchant.recorder.noted().len() == 4).await;
    assert_eq!(
        (news(&merchant).await, merchant.provider.request_count("/refund")),
        (FIRED.map(Into::into).to_vec(), 1)
    );
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
}

#[tokio::test]
async fn the_webhook_that_overtakes_our_answer_makes_the_same_refund() {
    let merchant = MerchantFixture::open().await;
    let (paid, go) = (merchant.paid().await, Arc::new(Notify::new()));
    merchant.fail_next("/refund", MerchantFault::ResponseHeld(Arc::clone(&go)));
    let refunding = merchant.athm.refund(paid.id(), partial(700));
    let overtaking = async {
        eventually(async || merchant.provider.request_count("/refund") == 1).await;
        assert_eq!(webhook(&merchant, refund_event("12-ab", "7.00")).await, MessageResult::Recorded);
        go.notify_one();
    };
    let (refund, ()) = join(refunding, overtaking).await;
    assert_eq!(refund.unwrap().daily_transaction_id.as_deref(), Some("0700"));
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700)]);
    assert_eq!(news(&merchant).await, ["received by webhook", "refunded by webhook"]);
}

#[tokio::test]
async fn a_webhook_may_name_the_payment_or_the_refund_itself() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    merchant.athm.refund(paid.id(), partial(700)).await.unwrap();
    assert_eq!(webhook(&merchant, refund_event("12-ab", "7.00")).await, MessageResult::Known);
    assert_eq!(webhook(&merchant, refund_event("refund-700", "7.00")).await, MessageResult::Known);
    assert_eq!(news(&merchant).await, FIRED);

    merchant.refund_elsewhere(300);
    assert_eq!(webhook(&merchant, refund_event("refund-700", "7.00")).await, MessageResult::Recorded);
    assert_eq!(states(&merchant, &paid).await, [(RefundState::Done, 700), (RefundState::Done, 300)]);
    let both = ["received by refund", "received by webhook", "refunded by refund", "refunded by webhook"];
    assert_eq!(news(&merchant).await, both);
}

#[tokio::test]
async fn a_forged_refund_event_gives_nothing_back() {
    let merchant = MerchantFixture::open().await;
    let paid = merchant.paid().await;
    assert_eq!(webhook(&merchant, refund_event("12-ab", "25.00")).await, MessageResult::Pending);
    assert_eq!(
        (states(&merchant, &paid).await.len(), refunded(&merchant, &paid).await, news(&merchant).await.len()),
        (0, 0, 0)
    );
    assert_eq!(merchant.athm.refund(paid.id(), NewRefund::full()).await.unwrap().amount, cents(2500));
}

#[tokio::test]
async fn the_report_tells_of_a_refund_without_firing_it_again() {
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
    assert_eq!(news(&merchant).await, ["received by webhook", "refunded by webhook"]);
}

#[tokio::test]
async fn what_is_refunded_of_a_payment_known_twice_is_refunded_once() {
    let merchant = MerchantFixture::open().await;
    let reference = || "12-ab".parse().unwrap();
    let seen = |refunded: i64| {
        Transaction::builder(athm_core::Status::Completed, cents(2500)).refunded_amount(cents(refunded))
    };
    let sender = || Sender::new("kiosk");
    // By its reference alone, by its ecommerceId alone, and then by both.
    let one = merchant.athm.record(seen(500).reference_number(reference()).build(), sender()).await.unwrap();
    merchant.athm.record(seen(800).reference_number(reference()).build(), sender()).await.unwrap();
    let other = merchant.athm.record(seen(500).ecommerce_id(ecommerce_id(1)).build(), sender()).await.unwrap();
    let both = seen(800).ecommerce_id(ecommerce_id(1)).reference_number(reference()).build();
    let merged = merchant.athm.record(both, sender()).await.unwrap();
    assert_eq!((merged.transaction().id(), merged.events()), (other.transaction().id(), &[][..]));
    let kept = states(&merchant, merged.transaction()).await;
    assert_eq!(kept, [(RefundState::Done, 500), (RefundState::Done, 300)]);
    assert_eq!(listed(&merchant, one.transaction()).await, []);
}

/// Beside the whole simulator, whose refunds carry a number of their own, or the payment's.
#[tokio::test]
async fn our_answers_and_the_report_of_two_equal_refunds_make_two_whatever_numbers_they_carry() {
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

/// What was given back in the provider's own app is told by a number that nobody has seen before.
#[tokio::test]
async fn a_refund_event_with_a_number_of_its_own_is_tied_to_what_its_customer_has_paid() {
    let fixture = crate::SimulatorFixture::open().await;
    let paid_by = |phone: &str| {
        let email = format!("{phone}@example.com");
        completed_payment().customer_name("Inés Rivera").customer_phone(phone).customer_email(email)
    };
    let other = fixture.simulator.insert(paid_by("7875550100"));
    let paid = fixture.simulator.insert(paid_by("7875550199"));
    let event = |payment: &SimulatedPayment, kind: &str| {
        let reference = payment.reference_number.as_ref().unwrap();
        json!({ "transactionType": kind, "status": "completed", "referenceNumber": reference, "total": payment.total.to_string() })
    };
    for payment in [&other, &paid] {
        let payment = fixture.simulator.payment(payment).unwrap();
        assert_eq!(fixture.webhook(event(&payment, "ecommerce")).await, MessageResult::Recorded);
    }
    for amount in [500, 500] {
        let refund = fixture.simulator.refund(&paid, cents(amount)).unwrap();
        let refund = fixture.simulator.payment(&refund).unwrap();
        assert_eq!(fixture.webhook(event(&refund, "refund")).await, MessageResult::Recorded);
        assert_eq!(fixture.webhook(event(&refund, "refund")).await, MessageResult::Known);
    }
    let reference = fixture.simulator.payment(&paid).unwrap().reference_number.unwrap();
    let payment = fixture.athm.transaction_by_reference(&reference).await.unwrap().unwrap();
    let refunds = fixture.athm.refunds().of(payment.id()).await.unwrap();
    assert_eq!(refunds.iter().map(|refund| refund.amount.cents()).collect::<Vec<_>>(), [500, 500]);
    assert!(refunds.iter().all(|refund| refund.reference_number.is_some() && !refund.is_ours));
    let fired = fixture.noted().await[4..].iter().filter(|noted| *noted == "refunded by webhook").count();
    assert_eq!((fired, fixture.noted().await.len()), (2, 8));

    let stranger = fixture.simulator.insert(paid_by("7875550142"));
    let refund = fixture.simulator.refund(&stranger, cents(500)).unwrap();
    let refund = fixture.simulator.payment(&refund).unwrap();
    assert_eq!(fixture.webhook(event(&refund, "refund")).await, MessageResult::Known);
    assert_eq!(fixture.noted().await.len(), 8);
}

#[tokio::test]
async fn what_is_set_aside_moves_with_the_payment_that_turns_out_to_be_another() {
    let merchant = MerchantFixture::open().await;
    let open = merchant.create().await;
    merchant.set_status("COMPLETED");
    // It is known by its reference first, as an app payment is.
    let seen =
        Transaction::builder(athm_core::Status::Completed, cents(2500)).reference_number("12-ab".parse().unwrap());
    let apart = merchant.athm.record(seen.build(), Sender::new("kiosk")).await.unwrap().transaction().clone();
    assert_ne!(apart.id(), open.id());
    merchant.fail_next("/refund", MerchantFault::ResponseLost);
    merchant.fail_next("/searchTransaction", MerchantFault::RequestLost);
    let error = merchant.athm.refund(apart.id(), partial(700)).await.unwrap_err();
    let OperationError::RefundUnknown { refund, .. } = error else { panic!("{error:?}") };

    assert_eq!(merchant.athm.authorize(open.id()).await.unwrap().status(), &athm_core::Status::Completed);
    assert_eq!(merchant.athm.transaction(apart.id()).await.unwrap(), None);
    let kept = listed(&merchant, &open).await;
    assert_eq!(kept.iter().map(|kept| (kept.id, kept.state)).collect::<Vec<_>>(), [(refund, RefundState::Done)]);
    assert_eq!(merchant.refunded(), 700);
}

/// With messages taken at their word, a refund's own message is all that tells of it.
#[tokio::test]
async fn a_trusted_refund_message_gives_back_once_and_only_of_a_payment_that_is_known() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, recorder.listening()).start().await.unwrap();
    let receive = async |body: Value| {
        let callback = Message::parse("application/json", body.to_string().as_bytes()).unwrap();
        athm.receive(callback, Sender::WEBHOOK, body.to_string().into_bytes()).await.unwrap()
    };
    let refund = |daily: &str| {
        json!({ "transactionType": "refund", "status": "completed", "referenceNumber": "12-ab", "total": "5.00",
                "dailyTransactionID": daily, "date": "2020-01-01 12:00:00.0" })
    };
    assert_eq!(receive(refund("0041")).await, MessageResult::Known);
    let paid =
        json!({ "transactionType": "ecommerce", "status": "completed", "referenceNumber": "12-ab", "total": "25.00" });
    assert_eq!(receive(paid).await, MessageResult::Recorded);
    assert_eq!(receive(refund("0041")).await, MessageResult::Recorded);
    assert_eq!(receive(refund("41")).await, MessageResult::Known);
    assert_eq!(receive(refund("0042")).await, MessageResult::Recorded);
    // Nothing tells it from what is known.
    assert_eq!(receive(refund_event("12-ab", "5.00")).await, MessageResult::Known);
    let payment = athm.transaction_by_reference(&"12-ab".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(payment.refunded_amount(), cents(1000));
    let refunds = athm.refunds().of(payment.id()).await.unwrap();
    assert_eq!(refunds.iter().map(|refund| refund.amount.cents()).collect::<Vec<_>>(), [500, 500]);
    athm.idle().await;
    assert_eq!(recorder.noted().iter().filter(|noted| noted.starts_with("refunded")).count(), 2);
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

#[tokio::test(flavor = "multi_thread")]
async fn promise_9_whatever_goes_wrong_with_a_refund_the_books_agree_and_it_is_sent_once() {
    stream::iter(every_fault()).for_each_concurrent(4, refund_beside).await;
}

async fn refund_beside(fault: Fault) {
    let (simulator, database) = (Simulator::start().await.unwrap(), Database::new());
    let (recorder, clock) = (TextRecorder::new(), Clock::manual());
    let client = Client::builder("the public token", "the private token").api_url(simulator.url());
    let client = client.clock(clock.clone()).timeout(Duration::from_secs(3)).build().unwrap();
    let builder = Athm::builder().client(client).database_url(database.url()).dispatcher(recorder.listening());
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
            athm.refund_resolve(refund, RefundResolution::NotDone).await.unwrap();
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
