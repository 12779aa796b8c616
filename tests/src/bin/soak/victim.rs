//! The child process, as the parent has it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use athm_tests::Process;

pub(crate) struct Victim(Process);

impl Victim {
    /// Starts it, and waits until it takes payments.
    pub(crate) async fn start(folder: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        Process::start(&arguments(folder)).await.map(Self)
    }

    /// Starts it again, and tells how long that took.
    pub(crate) async fn restart(folder: &Path) -> Result<(Self, Duration), Box<dyn std::error::Error>> {
        Process::restart(&arguments(folder)).await.map(|(process, time)| (Self(process), time))
    }

    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.0.kill()
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

fn arguments(folder: &Path) -> [OsString; 2] {
    [OsString::from("--serve"), folder.into()]
}

#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) payments: HashSet<String>,
    pub(crate) doubled: usize,
}
