//! A flood of messages that name no payment.

use std::sync::atomic::{AtomicBool, Ordering};

use athm_core::{Message, Sender, Status};
use athm_tests::payment;
use futures_util::future::join;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Target;

/// How many senders post junk at once.
const SENDERS: usize = 1500;

#[tokio::test(flavor = "multi_thread")]
async fn promise_5_a_flood_of_junk_refuses_no_genuine_record() {
    let target = Target::open().await;
    let (athm, is_over) = (&target.fixture.athm, AtomicBool::new(false));
    let sender = async || {
        while !is_over.load(Ordering::Acquire) {
            let message = Message::parse("application/json", b"{}").unwrap();
            // It may be refused: it is junk.
            let _ = athm.receive(message, Sender::CALLBACK, b"{}".to_vec()).await;
            tokio::task::yield_now().await;
        }
    };
    let flood = (0..SENDERS).map(|_| sender()).collect::<FuturesUnordered<_>>().collect::<Vec<_>>();
    let genuine = async {
        let record = |n| athm.record(payment(n, Status::Completed).build(), Sender::new("kiosk"));
        let recorded: Vec<_> = (0..200).map(record).collect::<FuturesUnordered<_>>().collect().await;
        is_over.store(true, Ordering::Release);
        recorded
    };
    let (_, recorded) = join(flood, genuine).await;
    let refused: Vec<_> = recorded.iter().filter_map(|recorded| recorded.as_ref().err()).collect();
    assert!(refused.is_empty(), "{} of 200 refused: {:?}", refused.len(), refused[0]);
    assert_eq!(recorded.len(), 200);
}
