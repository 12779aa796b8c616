//! The child process, as the parent has it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use athm_tests::Process;

pub(crate) struct ServerProcess(Process);

impl ServerProcess {
    /// Starts it, and waits until it takes payments. Its own receivers may end it before.
    pub(crate) async fn start(program: &Program) -> Result<Self, Box<dyn std::error::Error>> {
        Process::start_again(&program.arguments()).await.map(Self)
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
    pub(crate) async fn replace(&mut self, program: &Program) -> Result<Duration, Box<dyn std::error::Error>> {
        self.0.kill()?;
        let killed = Instant::now();
        *self = Self::start(program).await?;
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

/// What the child processes are started with.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) folder: PathBuf,
    pub(crate) database: String,
    pub(crate) exactly_once: bool,
}

impl Program {
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec!["--serve".into(), self.folder.clone().into(), "--at".into(), (&self.database).into()];
        if self.exactly_once {
            arguments.push("--exactly-once".into());
        }
        arguments
    }
}

#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) payments: HashSet<String>,
    pub(crate) doubled: usize,
}
