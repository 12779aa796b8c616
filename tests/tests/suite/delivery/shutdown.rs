//! Promise 8: shutdown drains.

use std::sync::{Arc, Mutex, mpsc};

use athm_core::testing::Clock;
use athm_tests::TextRecorder;

use super::{DAY, complete, program};
use crate::Database;

#[tokio::test]
async fn promise_8_shutdown_lets_running_receivers_finish() {
    let (database, recorder, clock) = (Database::new(), TextRecorder::new(), Clock::manual());
    let (finish, finished) = mpsc::channel::<()>();
    let (notes, finished) = (recorder.clone(), Arc::new(Mutex::new(finished)));
    let athm = program(&database, &clock, &["slow"], move |_, _| {
        notes.note("began");
        finished.lock().unwrap().recv().unwrap();
        notes.note("finished");
    })
    .await;
    complete(&athm, 1).await;
    recorder.wait_for(1).await;
    let stopping = tokio::spawn({
        let athm = athm.clone();
        async move { athm.shutdown(DAY).await }
    });
    tokio::task::yield_now().await;
    finish.send(()).unwrap();
    stopping.await.unwrap();
    assert_eq!(recorder.noted(), ["began", "finished"]);

    let notes = recorder.clone();
    let athm = program(&database, &clock, &["slow"], move |_, _| notes.note("again")).await;
    athm.idle().await;
    assert_eq!(recorder.noted(), ["began", "finished"]);
    athm.shutdown(DAY).await;
}
