//! The child process, as the parent has it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use athm_tests::Process;

pub(crate) struct ServerProcess(Process);

impl ServerProcess {
    /// Starts it, and waits until it takes payments.
    pub(crate) async fn start(folder: &Path, database: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Process::start(&arguments(folder, database)).await.map(Self)
    }

    /// Kills it and starts it again. Tells how long it was away.
    pub(crate) async fn replace(
        &mut self,
        folder: &Path,
        database: &str,
    ) -> Result<Duration, Box<dyn std::error::Error>> {
        self.0.kill()?;
        let time;
        (self.0, time) = Process::restart(&arguments(folder, database)).await?;
        Ok(time)
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
