//! The child process, as the parent has it.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Victim {
    process: Child,
    url: String,
}

impl Victim {
    /// Starts it, and waits until it takes payments.
    pub(crate) async fn start(folder: &Path, database: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--serve").arg(folder).args(["--at", database]);
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("it has no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let victim = Self { process, url: format!("http://{}", address.trim()) };
        let health = athm_tests::http_client().get(format!("{}/athm/health", victim.url)).send().await?;
        health.error_for_status()?;
        Ok(victim)
    }

    /// Kills it and starts it again. Tells how long it was away.
    pub(crate) async fn replace(
        &mut self,
        folder: &Path,
        database: &str,
    ) -> Result<Duration, Box<dyn std::error::Error>> {
        self.kill()?;
        let killed = Instant::now();
        *self = Self::start(folder, database).await?;
        Ok(killed.elapsed())
    }

    /// SIGKILL: it gets no chance to do anything about it.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// The payments that it has recorded, those recorded twice named twice.
    pub(crate) async fn recorded(&self) -> Result<Recorded, reqwest::Error> {
        let lines = athm_tests::http_client().get(format!("{}/recorded", self.url)).send().await?.text().await?;
        let mut recorded = Recorded::default();
        for line in lines.lines() {
            if !recorded.payments.insert(line.to_owned()) {
                recorded.doubled += 1;
            }
        }
        Ok(recorded)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) payments: HashSet<String>,
    pub(crate) doubled: usize,
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
