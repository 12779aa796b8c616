//! athm's own threads.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// One thread that keeps house, and two for receivers unless the user has a runtime for them: these may block, and neither
/// HTTP nor the house notices.
pub(super) struct Runtimes {
    background: Handle,
    receivers: Handle,
    running: Mutex<Vec<Runtime>>,
}

impl Runtimes {
    /// With the user's own runtime for receivers, if one was given.
    pub(super) fn start(given: Option<Handle>) -> io::Result<Self> {
        let mut running = vec![runtime("athm-background", 1)?];
        let background = running[0].handle().clone();
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

    /// Where messages are processed, the provider is asked and leases are kept.
    pub(super) fn background(&self) -> Handle {
        self.background.clone()
    }

    /// Where receivers run.
    pub(super) fn receivers(&self) -> Handle {
        self.receivers.clone()
    }

    /// Ends what is ours without waiting: a plain drop would panic within async code. `false` when that was done already.
    pub(super) fn stop(&self) -> bool {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let was_running = !running.is_empty();
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
