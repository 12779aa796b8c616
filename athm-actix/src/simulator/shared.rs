//! What the handles of a simulator and its server have in common.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use super::business::Business;
use super::clock::Clock;
use super::faults::Plan;
use super::ledger::Ledger;
use super::log::RequestLog;
use super::webhooks::Webhooks;
use super::{Customers, FaultRates, RefundReference, WebhookFaultRates, WebhookShape};

/// What the builder was told.
pub(super) struct Settings {
    pub(super) public_token: Option<String>,
    pub(super) private_token: Option<String>,
    pub(super) business: Business,
    pub(super) refund_reference: RefundReference,
    pub(super) webhook_shape: WebhookShape,
    pub(super) customers: Customers,
    pub(super) clock_speed: u32,
    pub(super) seed: Option<u64>,
    pub(super) faults: FaultRates,
    pub(super) webhook_faults: WebhookFaultRates,
}

/// Locks are taken in the order of the fields, if several are held at once.
pub(super) struct Shared {
    settings: Settings,
    ledger: Mutex<Ledger>,
    plan: Mutex<Plan>,
    webhooks: Mutex<Webhooks>,
    log: Mutex<RequestLog>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        let mut random = settings.seed.map_or_else(Rng::new, Rng::with_seed);
        let Settings { webhook_shape, customers, .. } = settings;
        let ledger = Ledger::new(settings.business.clone(), Clock::new(settings.clock_speed), random.fork());
        let plan = Plan::new(settings.faults.clone(), random.fork());
        let webhooks = Webhooks::new(webhook_shape, customers, settings.webhook_faults.clone(), random.fork());
        Self {
            settings,
            ledger: Mutex::new(ledger),
            plan: Mutex::new(plan),
            webhooks: Mutex::new(webhooks),
            log: Mutex::default(),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        locked(&self.ledger)
    }

    pub(super) fn plan(&self) -> MutexGuard<'_, Plan> {
        locked(&self.plan)
    }

    pub(super) fn webhooks(&self) -> MutexGuard<'_, Webhooks> {
        locked(&self.webhooks)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, RequestLog> {
        locked(&self.log)
    }
}

/// A panic elsewhere leaves these values whole, so the lock is as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
