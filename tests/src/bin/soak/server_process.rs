//! The child process, as the parent has it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use athm_tests::Process;

pub(crate) struct ServerProcess(Process);

impl ServerProcess {
    /// Starts it, and waits until it takes payments. Its own receivers may end it before.
    pub(crate) async fn start(folder: &Path, database: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Process::start_again(&arguments(folder, database)).await.map(Self)
    }

    /// Whether a receiver has ended it.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.has_ended()
    }

    /// The receivers of the dead deliveries.
    pub(crate) async fn dead(&self) -> Result<Vec<String>, reqwest::Error> {
        let lines = athm_tests::http_client().get(format!("{}/dead", self.url())).send().await?.text().await?;
        Ok(lines.lines().map(str::to_owned).collect())
    }

    /// Kills it and starts it again. Tells how long it was away.
    pub(crate) async fn replace(
        &mut self,
        folder: &Path,
        database: &str,
    ) -> Result<Duration, Box<dyn std::error::Error>> {
        self.0.kill()?;
        let killed = Instant::now();
        *self = Self::start(folder, database).await?;
        Ok(killed.elapsed())
    }

    pub(crate) fn url(&self) -> String {
        self.0.url().to_owned()
    }

    /// The payments that it has recorded, those recorded twice named twice.
    pub(crate) async fn recorded(&self) -> Result<Recorded, reqwest::Error> {
        let lines = athm_tests::http_client().get(format!("{}/recorded", self.url())).send().await?.text().await?;
        let mut recorded = Recorded::default();
        for line in lines.lines() {
            if !recorded.payments.insert(line.to_owned()) {
                recorded.doubled += 1;
            }
        }
        Ok(recorded)
    }
}

fn arguments(folder: &Path, database: &str) -> [OsString; 4] {
    [OsString::from("--serve"), folder.into(), OsString::from("--at"), database.into()]
}

#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) payments: HashSet<String>,
    pub(crate) doubled: usize,
}
