//! The state that the handles of a simulator share with its server.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use crate::business::Business;
use crate::clock::Clock;
use crate::faults::{FaultRates, FaultSchedule, WebhookFaultRates};
use crate::ledger::Ledger;
use crate::payment::RefundReference;
use crate::request_log::RequestLog;
use crate::webhooks::{PaymentChannel, WebhookShape, Webhooks};

/// The builder's settings.
pub(crate) struct Settings {
    pub(crate) public_token: Option<String>,
    pub(crate) private_token: Option<String>,
    pub(crate) business: Business,
    pub(crate) refund_reference: RefundReference,
    pub(crate) webhook_shape: WebhookShape,
    pub(crate) channel: PaymentChannel,
    pub(crate) seed: Option<u64>,
    pub(crate) faults: FaultRates,
    pub(crate) webhook_faults: WebhookFaultRates,
}

/// If several locks are held at once, they are taken in the order of the fields.
pub(crate) struct Shared {
    settings: Settings,
    ledger: Mutex<Ledger>,
    schedule: Mutex<FaultSchedule>,
    webhooks: Mutex<Webhooks>,
    log: Mutex<RequestLog>,
}

impl Shared {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        let mut random = settings.seed.map_or_else(Rng::new, Rng::with_seed);
        let Settings { webhook_shape, channel, .. } = settings;
        let ledger = Ledger::new(settings.business.clone(), clock, random.fork());
        let schedule = FaultSchedule::new(settings.faults.clone(), random.fork());
        let webhooks = Webhooks::new(webhook_shape, channel, settings.webhook_faults.clone(), random.fork());
        Self {
            settings,
            ledger: Mutex::new(ledger),
            schedule: Mutex::new(schedule),
            webhooks: Mutex::new(webhooks),
            log: Mutex::default(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub(crate) fn schedule(&self) -> MutexGuard<'_, FaultSchedule> {
        lock(&self.schedule)
    }

    pub(crate) fn webhooks(&self) -> MutexGuard<'_, Webhooks> {
        lock(&self.webhooks)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, RequestLog> {
        lock(&self.log)
    }
}

/// A poisoned lock is used all the same: no panic leaves these values half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
