//! One call: sent once, or again while that can only read.

use std::sync::Arc;
use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::alarm::TokenAlarm;
use super::{ProviderError, answer};
use crate::util::backoff::{Backoff, Jitter};
use crate::util::clock::{Clock, later};

/// The longest pauses before a read is sent again: 250 ms, 500 ms, 1 s …
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), 2, Duration::MAX);

/// How often a read is sent.
#[derive(Clone)]
pub(super) struct ReadRetries {
    pub(super) attempts: u32,
    pub(super) clock: Clock,
    pub(super) jitter: Arc<Jitter>,
}

impl ReadRetries {
    /// Between half and all of 250 ms, 500 ms, 1 s …
    fn pause_after(&self, attempt: u32) -> Duration {
        let longest = BACKOFF.pause_after(attempt);
        self.jitter.between(longest / 2, longest)
    }
}

/// A request, ready to be sent.
pub(super) struct ApiRequest {
    pub(super) request: RequestBuilder,
    pub(super) path: &'static str,
    pub(super) alarm: TokenAlarm,
}

impl ApiRequest {
    pub(super) fn bearer(self, token: &SecretString) -> Self {
        Self { request: self.request.bearer_auth(token.expose_secret()), ..self }
    }

    pub(super) fn with(self, body: &Value) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    /// Says of an empty body what it is and how long: gateways answer 411 or 415 otherwise.
    pub(super) fn without_body(self) -> Self {
        let request = self.request.header(CONTENT_TYPE, "application/json").header(CONTENT_LENGTH, 0);
        Self { request, ..self }
    }

    /// Sends it, once, and reads the answer.
    pub(super) async fn send_once(self) -> Result<Value, ProviderError> {
        self.send(answer::MAX_BYTES).await
    }

    /// Sends it, and again after a pause when that may help: for what only reads.
    pub(super) async fn send_with_retries(self, reads: &ReadRetries, max_bytes: usize) -> Result<Value, ProviderError> {
        let Self { request, path, alarm } = self;
        for attempt in 1..reads.attempts {
            // A body that can't be copied is sent once.
            let Some(request) = request.try_clone() else { break };
            match (Self { request, path, alarm: alarm.clone() }).send(max_bytes).await {
                Err(error) if error.is_retryable() => {
                    let pause = reads.pause_after(attempt);
                    tracing::debug!(path, attempt, ?pause, %error, "the provider is asked again");
                    reads.clock.sleep_until(later(reads.clock.steady(), pause)).await;
                }
                answer => return answer,
            }
        }
        Self { request, path, alarm }.send(max_bytes).await
    }

    async fn send(self, max_bytes: usize) -> Result<Value, ProviderError> {
        let response = self.request.send().await.map_err(ProviderError::Unreachable)?;
        let status = response.status().as_u16();
        tracing::debug!(path = self.path, status, "the provider answered");
        self.alarm.answered(status, self.path);
        answer::read(response, max_bytes).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_a_random_part() {
        let jitter = Arc::new(Jitter::seeded(Some(7)));
        let reads = ReadRetries { attempts: 4, clock: Clock::manual(), jitter };
        for (attempt, longest) in [(1, 250), (2, 500), (3, 1000)] {
            let pauses: Vec<_> = (0..100).map(|_| reads.pause_after(attempt).as_millis()).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| pause != &pauses[0]));
        }
    }
}
