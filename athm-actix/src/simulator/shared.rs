//! What the handles of a simulator and its server have in common.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::business::Business;
use super::ledger::Ledger;
use super::log::RequestLog;
use super::outage::Outage;

/// What the builder was told.
pub(super) struct Settings {
    pub(super) public_token: Option<String>,
    pub(super) private_token: Option<String>,
    pub(super) business: Business,
}

pub(super) struct Shared {
    settings: Settings,
    ledger: Mutex<Ledger>,
    log: Mutex<RequestLog>,
    outage: Mutex<Option<Outage>>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        let ledger = Mutex::new(Ledger::new(settings.business.clone()));
        Self { settings, ledger, log: Mutex::default(), outage: Mutex::default() }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        locked(&self.ledger)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, RequestLog> {
        locked(&self.log)
    }

    pub(super) fn outage(&self) -> Option<Outage> {
        *locked(&self.outage)
    }

    pub(super) fn set_outage(&self, outage: Option<Outage>) {
        *locked(&self.outage) = outage;
    }
}

/// A panic elsewhere leaves these values whole, so the lock is as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
