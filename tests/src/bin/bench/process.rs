//! A contender's process.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;

use crate::contender::Contender;

pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(contender: Contender, database: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let value = contender.to_possible_value().ok_or("a contender without a name")?;
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command
            .args(["--serve", value.get_name(), "--database", database])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse()? })
    }

    /// The most memory that it has held, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    }

    /// Waits until all its receivers have run.
    pub(crate) async fn finish(&self) -> Result<(), Box<dyn std::error::Error>> {
        let url = format!("http://{}/finish", self.address);
        athm_tests::http_client().post(url).send().await?.error_for_status()?;
        Ok(())
    }

    fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
