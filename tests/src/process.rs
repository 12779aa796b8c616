//! A program of ours that is run as a process of its own, to be killed.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How often it is started until it lasts.
const MAX_STARTS: u32 = 20;

/// This program, or another one, in a process of its own. It says where it serves on its first line of output.
#[derive(Debug)]
pub struct Process {
    child: Child,
    url: String,
}

impl Process {
    /// Starts it with those arguments, and waits until `/athm/health` answers.
    pub async fn start(arguments: &[OsString]) -> Result<Self, Box<dyn std::error::Error>> {
        Self::start_program(&std::env::current_exe()?, arguments).await
    }

    /// The same of another program of ours.
    pub async fn start_program(program: &Path, arguments: &[OsString]) -> Result<Self, Box<dyn std::error::Error>> {
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("it has no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let process = Self { child, url: format!("http://{}", address.trim()) };
        let health = crate::http_client().get(format!("{}/athm/health", process.url)).send().await?;
        health.error_for_status()?;
        Ok(process)
    }

    /// Starts it until it lasts: its own receivers may end it at once.
    pub async fn start_again(arguments: &[OsString]) -> Result<Self, Box<dyn std::error::Error>> {
        for _ in 1..MAX_STARTS {
            if let Ok(process) = Self::start(arguments).await {
                return Ok(process);
            }
        }
        Self::start(arguments).await
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL: it gets no chance to do anything about it.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Where it serves.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
