//! The processes under test, as the parent controls them.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use athm_tests::{Process, http_client};
use fastrand::Rng;
use serde_json::Value;

use crate::Serve;

/// How long an answer may take: an operation waits for another one, for as long as that may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Several processes on one database; a clone shares them.
#[derive(Clone)]
pub(crate) struct ProcessCluster {
    arguments: Vec<OsString>,
    processes: Arc<Mutex<Vec<Option<Process>>>>,
    /// Held while a process is started again: one SQLite file serves one.
    starting: Arc<tokio::sync::Mutex<()>>,
    client: reqwest::Client,
}

impl ProcessCluster {
    pub(crate) async fn open(serve: &Serve, processes: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let arguments = serve.arguments();
        let mut started = Vec::new();
        for _ in 0..processes {
            started.push(Some(Process::start(&arguments).await?));
        }
        let processes = Arc::new(Mutex::new(started));
        Ok(Self { arguments, processes, starting: Arc::default(), client: http_client() })
    }

    /// Kills one of them, and starts it again.
    pub(crate) async fn kill(&self, random: &mut Rng) -> Result<(), Box<dyn std::error::Error>> {
        let _starting = self.starting.lock().await;
        let place = random.usize(0..self.lock().len());
        let process = self.lock()[place].take();
        if let Some(mut process) = process {
            process.kill()?;
        }
        let process = Process::start_again(&self.arguments).await?;
        self.lock()[place] = Some(process);
        Ok(())
    }

    /// Starts those again that receivers have ended. Returns whether there were any.
    pub(crate) async fn revive(&self) -> bool {
        let ended = |process: &mut Option<Process>| process.as_mut().is_some_and(Process::has_ended);
        let _starting = self.starting.lock().await;
        let Some(place) = self.lock().iter_mut().position(ended) else { return false };
        self.lock()[place] = None;
        let Ok(process) = Process::start_again(&self.arguments).await else { return false };
        self.lock()[place] = Some(process);
        true
    }

    /// Posts junk, as a stranger does.
    pub(crate) async fn post_junk(&self, random: &mut Rng) {
        if let Some(url) = self.url(random) {
            let request = self.client.post(format!("{url}/athm/callback")).timeout(WAIT_TIMEOUT);
            let _ = request.json(&serde_json::json!({})).send().await;
        }
    }

    /// Asks one of those that run, whichever; `None` when the answer is a refusal, or there is none.
    pub(crate) async fn post(&self, path: &str, body: &Value, random: &mut Rng) -> Option<String> {
        let url = self.url(random)?;
        let request = self.client.post(format!("{url}{path}")).json(body).timeout(WAIT_TIMEOUT);
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        answer.text().await.ok()
    }

    /// Posts a callback, as a browser or a stranger does.
    pub(crate) async fn callback(&self, form: &[(&str, &str)], random: &mut Rng) {
        if let Some(url) = self.url(random) {
            let body = form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
            let request = self.client.post(format!("{url}/athm/callback")).timeout(WAIT_TIMEOUT);
            let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
            // Lost as it may be: a browser doesn't try again.
            let _ = request.send().await;
        }
    }

    /// Every payment that is recorded.
    pub(crate) async fn recorded(&self) -> Option<Vec<Value>> {
        let url = self.url(&mut Rng::with_seed(0))?;
        let answer = self.client.get(format!("{url}/recorded")).timeout(WAIT_TIMEOUT).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// Where the first one serves: the provider sends its webhooks there.
    pub(crate) fn webhook_url(&self) -> Option<String> {
        self.url(&mut Rng::with_seed(0)).map(|url| format!("{url}/athm/webhook"))
    }

    fn url(&self, random: &mut Rng) -> Option<String> {
        let running: Vec<_> = self.lock().iter().flatten().map(|process| process.url().to_owned()).collect();
        random.choice(running)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Option<Process>>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
