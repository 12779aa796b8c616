//! What the handles of a simulator and its server have in common.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use crate::business::Business;
use crate::clock::Clock;
use crate::faults::Plan;
use crate::ledger::Ledger;
use crate::log::RequestLog;
use crate::webhooks::Webhooks;
use crate::{Customers, FaultRates, RefundReference, WebhookFaultRates, WebhookShape};

/// What the builder was told.
pub(crate) struct Settings {
    pub(crate) public_token: Option<String>,
    pub(crate) private_token: Option<String>,
    pub(crate) business: Business,
    pub(crate) refund_reference: RefundReference,
    pub(crate) webhook_shape: WebhookShape,
    pub(crate) customers: Customers,
    pub(crate) clock_speed: u32,
    pub(crate) seed: Option<u64>,
    pub(crate) faults: FaultRates,
    pub(crate) webhook_faults: WebhookFaultRates,
}

/// Locks are taken in the order of the fields, if several are held at once.
pub(crate) struct Shared {
    settings: Settings,
    ledger: Mutex<Ledger>,
    plan: Mutex<Plan>,
    webhooks: Mutex<Webhooks>,
    log: Mutex<RequestLog>,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
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

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        locked(&self.ledger)
    }

    pub(crate) fn plan(&self) -> MutexGuard<'_, Plan> {
        locked(&self.plan)
    }

    pub(crate) fn webhooks(&self) -> MutexGuard<'_, Webhooks> {
        locked(&self.webhooks)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, RequestLog> {
        locked(&self.log)
    }
}

/// A panic elsewhere leaves these values whole, so the lock is as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
