//! Settings that only tests and benchmarks need.

use super::Clock;
use crate::athm::AthmBuilder;
use crate::provider::ClientBuilder;
use crate::store::Batching;

/// Settings of an [`AthmBuilder`] for tests and benchmarks.
///
/// ```standalone_crate
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use athm_core::Athm;
/// use athm_core::testing::{BuilderExt, Clock};
///
/// let folder = tempfile::tempdir()?;
/// let database = format!("sqlite://{}", folder.path().join("athm.db").display());
/// let clock = Clock::manual();
/// let athm = Athm::builder().database_url(database).trust_callbacks().clock(clock.clone()).seed(7).start().await?;
/// clock.advance(Duration::from_secs(600)); // ten minutes later, without waiting
/// # athm.shutdown(Duration::ZERO).await;
/// # Ok(()) }
/// ```
pub trait BuilderExt: Sized {
    /// Sets the source of the time: the system's clock by default.
    #[must_use]
    fn clock(self, clock: Clock) -> Self;

    /// Seeds the random part of the pauses between attempts, so that they are the same on every run.
    #[must_use]
    fn seed(self, seed: u64) -> Self;

    /// Commits every write by itself, to measure what group commit saves.
    #[must_use]
    fn without_group_commit(self) -> Self;
}

impl BuilderExt for AthmBuilder {
    fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    fn without_group_commit(mut self) -> Self {
        self.batching = Batching::OneByOne;
        self
    }
}

/// Settings of a [`ClientBuilder`] for tests.
///
/// ```
/// use athm_core::provider::Client;
/// use athm_core::testing::{ClientBuilderExt, Clock};
///
/// let client = Client::builder("public", "private").api_url("http://127.0.0.1:9000").clock(Clock::manual()).build()?;
/// # Ok::<(), athm_core::provider::BuildError>(())
/// ```
pub trait ClientBuilderExt: Sized {
    /// Sets the source of the time of an answer, and of pauses: the system's clock by default.
    #[must_use]
    fn clock(self, clock: Clock) -> Self;

    /// Seeds the random part of the pauses between attempts, so that they are the same on every run.
    #[must_use]
    fn seed(self, seed: u64) -> Self;
}

impl ClientBuilderExt for ClientBuilder {
    fn clock(self, clock: Clock) -> Self {
        self.with_clock(clock)
    }

    fn seed(self, seed: u64) -> Self {
        self.with_seed(seed)
    }
}
