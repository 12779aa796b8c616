//! What a receiver of `refunded` is given.

use athm_core::{Amount, Refund, Sender, State, Status, receiver};
use athm_tests::{TextRecorder, linked_dispatcher, payment, trusting_builder};

use super::DAY;
use crate::Database;

#[receiver(refunded, id = "refund.async", sender = "refund")]
async fn give_back(refund: &Refund, State(recorder): State<TextRecorder>) {
    tokio::task::yield_now().await;
    recorder.note(format!("async {} of {}", refund.amount, refund.total_refunded));
}

#[receiver(refunded, id = "refund.blocking", sender = "refund", blocking)]
fn print_credit_note(refund: &Refund, State(recorder): State<TextRecorder>) {
    recorder.note(format!("blocking {} of {}", refund.amount, refund.total_refunded));
}

#[tokio::test]
async fn a_refund_carries_its_amount_and_the_total_refunded() {
    let (database, recorder) = (Database::new(), TextRecorder::new());
    let athm = trusting_builder(&database, linked_dispatcher("refund.")).state(recorder.clone()).start().await.unwrap();
    for refunded in [0, 500, 500, 1200] {
        let payment = payment(1, Status::Completed).refunded_amount(Amount::from_cents(refunded)).build();
        athm.record(payment, Sender::new("refund")).await.unwrap();
        athm.idle().await;
    }
    let mut noted = recorder.noted();
    noted.sort();
    let expected = ["async 5.00 of 5.00", "async 7.00 of 12.00", "blocking 5.00 of 5.00", "blocking 7.00 of 12.00"];
    assert_eq!(noted, expected);
    athm.shutdown(DAY).await;
}
