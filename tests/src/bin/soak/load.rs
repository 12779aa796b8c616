//! Callbacks, as fast as they are answered, or with a pause in between.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// What the clients share.
#[derive(Debug)]
pub(crate) struct Load {
    client: reqwest::Client,
    /// Of each process.
    urls: watch::Sender<Vec<String>>,
    next: AtomicU64,
    /// How long each client waits before it posts the next callback.
    pause: Duration,
    acknowledged: Mutex<HashSet<String>>,
    is_stopping: AtomicBool,
}

impl Load {
    pub(crate) fn new(urls: Vec<String>, pause: Duration) -> Self {
        Self {
            client: athm_tests::http_client(),
            urls: watch::Sender::new(urls),
            next: AtomicU64::new(1),
            pause,
            acknowledged: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// One client: posts a callback after another, each until it is acknowledged, as a sender would. It begins with that
    /// process, and goes on to the next when it gets no answer.
    pub(crate) async fn run(self: Arc<Self>, mut process: usize) {
        while !self.is_stopping.load(Ordering::Acquire) {
            let payment = format!("payment-{}", self.next.fetch_add(1, Ordering::AcqRel));
            while !self.post(&payment, process).await {
                process += 1;
                if self.is_stopping.load(Ordering::Acquire) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).insert(payment);
            tokio::time::sleep(self.pause).await;
        }
    }

    /// One sender of junk, as fast as it is answered.
    pub(crate) async fn run_junk(self: Arc<Self>, mut process: usize) {
        while !self.is_stopping.load(Ordering::Acquire) {
            let answer = self.client.post(self.url(process)).json(&serde_json::json!({})).send().await;
            if answer.is_err() {
                process += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Posts a callback until it is acknowledged.
    pub(crate) async fn deliver(&self, payment: &str) {
        let mut process = 0;
        while !self.post(payment, process).await && !self.is_stopping.load(Ordering::Acquire) {
            process += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn url(&self, process: usize) -> String {
        let urls = self.urls.borrow();
        format!("{}/athm/callback", urls[process % urls.len()])
    }

    async fn post(&self, payment: &str, process: usize) -> bool {
        let body = serde_json::json!({
            "status": "completed", "referenceNumber": payment, "metadata1": payment, "total": "25.00",
            "items": [{ "name": "Mug", "price": "12.50", "quantity": "2" }],
        });
        let answer = self.client.post(self.url(process)).json(&body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub(crate) fn go_on_at(&self, urls: Vec<String>) {
        self.urls.send_replace(urls);
    }

    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    pub(crate) fn acknowledged(&self) -> HashSet<String> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
