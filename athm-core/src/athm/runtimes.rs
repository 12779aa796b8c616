//! athm's own threads.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// One thread that keeps house, and two for receivers: these may block, and neither HTTP nor the house notices.
pub(super) struct Runtimes {
    house: Handle,
    receivers: Handle,
    running: Mutex<Vec<Runtime>>,
}

impl Runtimes {
    pub(super) fn start() -> io::Result<Self> {
        let house = Builder::new_multi_thread().worker_threads(1).thread_name("athm-house").enable_all().build()?;
        let receivers =
            Builder::new_multi_thread().worker_threads(2).thread_name("athm-receiver").enable_all().build()?;
        let handles = (house.handle().clone(), receivers.handle().clone());
        Ok(Self { house: handles.0, receivers: handles.1, running: Mutex::new(vec![house, receivers]) })
    }

    /// Where messages are processed, the provider is asked and leases are kept.
    pub(super) fn house(&self) -> Handle {
        self.house.clone()
    }

    /// Where receivers run.
    pub(super) fn receivers(&self) -> Handle {
        self.receivers.clone()
    }

    /// Ends both without waiting: a plain drop would panic within async code. `false` when that was done already.
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
