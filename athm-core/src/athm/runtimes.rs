//! athm's own threads.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// One thread for background tasks, and two for receivers unless the user gives a runtime for them. Receivers may block
/// theirs without stalling HTTP or the background tasks.
pub(super) struct Runtimes {
    background: Background,
    receivers: Handle,
    running: Mutex<Vec<Runtime>>,
}

/// The background runtime, and whether it was stopped.
#[derive(Debug, Clone)]
pub(super) struct Background {
    pub(super) handle: Handle,
    pub(super) is_stopped: Arc<AtomicBool>,
}

impl Runtimes {
    /// With the user's own runtime for receivers, if one was given.
    pub(super) fn start(given: Option<Handle>) -> io::Result<Self> {
        let mut running = vec![runtime("athm-background", 1)?];
        let background = Background { handle: running[0].handle().clone(), is_stopped: Arc::default() };
        let receivers = match given {
            Some(handle) => handle,
            None => {
                let own = runtime("athm-receiver", 2)?;
                let handle = own.handle().clone();
                running.push(own);
                handle
            }
        };
        Ok(Self { background, receivers, running: Mutex::new(running) })
    }

    /// Where the provider is asked, leases are renewed, and what a caller has left runs to its end.
    pub(super) fn background(&self) -> Background {
        self.background.clone()
    }

    /// Where receivers run.
    pub(super) fn receivers(&self) -> Handle {
        self.receivers.clone()
    }

    /// Stops athm's own runtimes without waiting: dropping them would panic within async code. `false` if they were stopped
    /// already.
    pub(super) fn stop(&self) -> bool {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let was_running = !running.is_empty();
        self.background.is_stopped.store(true, Ordering::Release);
        running.into_iter().for_each(Runtime::shutdown_background);
        was_running
    }
}

impl Drop for Runtimes {
    fn drop(&mut self) {
        if self.stop() {
            tracing::warn!("athm was dropped without `shutdown`: what was running runs again at the next start");
        }
    }
}

fn runtime(name: &str, threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
}
