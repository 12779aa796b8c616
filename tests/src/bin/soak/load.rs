//! Callbacks, as fast as they are answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// What the clients share.
#[derive(Debug)]
pub(crate) struct Load {
    client: reqwest::Client,
    url: watch::Sender<String>,
    next: AtomicU64,
    acknowledged: Mutex<HashSet<String>>,
    is_stopping: AtomicBool,
}

impl Load {
    pub(crate) fn new(url: String) -> Self {
        Self {
            client: athm_tests::http_client(),
            url: watch::Sender::new(url),
            next: AtomicU64::new(1),
            acknowledged: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// One client: posts a callback after another, each until it is acknowledged, as a sender would.
    pub(crate) async fn run(self: Arc<Self>) {
        while !self.is_stopping.load(Ordering::Acquire) {
            let payment = format!("payment-{}", self.next.fetch_add(1, Ordering::AcqRel));
            while !self.post(&payment).await {
                if self.is_stopping.load(Ordering::Acquire) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).insert(payment);
        }
    }

    async fn post(&self, payment: &str) -> bool {
        let body = serde_json::json!({
            "status": "completed", "referenceNumber": payment, "metadata1": payment, "total": "25.00",
            "items": [{ "name": "Mug", "price": "12.50", "quantity": "2" }],
        });
        let url = format!("{}/athm/callback", *self.url.borrow());
        let answer = self.client.post(url).json(&body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub(crate) fn go_on_at(&self, url: String) {
        self.url.send_replace(url);
    }

    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    pub(crate) fn acknowledged(&self) -> HashSet<String> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
