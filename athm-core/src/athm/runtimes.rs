//! athm's own threads.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// One thread that keeps house, and two for receivers: these may block, and neither HTTP nor the house notices.
pub(super) struct Runtimes {
    running: Mutex<Option<Running>>,
}

struct Running {
    house: Runtime,
    receivers: Runtime,
}

impl Runtimes {
    pub(super) fn start() -> io::Result<Self> {
        let house = Builder::new_multi_thread().worker_threads(1).thread_name("athm-house").enable_all().build()?;
        let receivers =
            Builder::new_multi_thread().worker_threads(2).thread_name("athm-receiver").enable_all().build()?;
        Ok(Self { running: Mutex::new(Some(Running { house, receivers })) })
    }

    /// Where messages are processed and the provider is asked; `None` once stopped.
    pub(super) fn house(&self) -> Option<Handle> {
        self.lock().as_ref().map(|running| running.house.handle().clone())
    }

    /// Where receivers run; `None` once stopped.
    pub(super) fn receivers(&self) -> Option<Handle> {
        self.lock().as_ref().map(|running| running.receivers.handle().clone())
    }

    /// Ends both without waiting: a plain drop would panic within async code.
    pub(super) fn stop(&self) {
        if let Some(Running { house, receivers }) = self.lock().take() {
            house.shutdown_background();
            receivers.shutdown_background();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Runtimes {
    fn drop(&mut self) {
        self.stop();
    }
}
