//! A contender's process.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;

use crate::contender::{Contender, Rows};
use crate::peers;

pub(crate) struct Process {
    child: Child,
    /// Whether it ends when its input does, and its own processes with it: if it were killed, they would stay.
    ends_with_input: bool,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts it, and waits until it listens. `provider` is the address that a contender of athm verifies callbacks at.
    pub(crate) fn start(
        contender: Contender,
        database: &str,
        receivers: u32,
        provider: Option<&str>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut command = match contender.rows() {
            Rows::ByHand => peers::by_hand(database),
            Rows::Django => peers::django(database),
            Rows::None | Rows::Athm => {
                let value = contender.to_possible_value().ok_or("a contender without a name")?;
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["--serve", value.get_name(), "--database", database]);
                command.args(["--receivers", &receivers.to_string()]);
                if let Some(url) = provider {
                    command.args(["--provider", url]);
                }
                command
            }
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| format!("{contender} didn't start: {line:?}"))?;
        Ok(Self { child, ends_with_input: contender.rows() == Rows::Django, address })
    }

    /// The most memory that it has held, in KiB, with all processes below it.
    pub(crate) fn memory(&self) -> u64 {
        let of = |id: u32| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
        };
        self.all().into_iter().map(of).sum()
    }

    /// The processor time that it has used, with all processes below it. That of a database server isn't its own.
    pub(crate) fn processor_time(&self) -> Duration {
        let of = |id: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            // Behind the name, which may contain blanks; in hundredths of a second.
            let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().skip(11).take(2));
            fields.into_iter().flatten().filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10
        };
        Duration::from_millis(self.all().into_iter().map(of).sum())
    }

    fn all(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut next = 0;
        while let Some(&id) = all.get(next) {
            let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            next += 1;
        }
        all
    }

    /// Waits until all its receivers have run. Returns the 99th percentile of their lags, if it measures them.
    pub(crate) async fn finish(&self) -> Result<Option<Duration>, Box<dyn std::error::Error>> {
        let url = format!("http://{}/finish", self.address);
        let answer = athm_tests::http_client().post(url).send().await?.error_for_status()?.text().await?;
        Ok(answer.parse().ok().map(Duration::from_micros))
    }

    fn end(&mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        if !self.ends_with_input {
            self.child.kill()?;
        }
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
