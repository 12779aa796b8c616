//! Starting: mistakes are found here, not at the first payment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::instrument::WithSubscriber;

use super::alerts::AlertReporter;
use super::background::{ScheduledTasks, SweeperMode};
use super::check_receivers::{check_receivers, log_receivers};
use super::orphans::warn_of_orphans;
use super::parameter::HandleSlot;
use super::runtimes::Runtimes;
use super::{Athm, AthmBuilder, Inner, StartError, background, credentials};
use crate::checkout::{CheckoutOperations, CheckoutWatch};
use crate::dispatch::Dispatcher;
use crate::inbox::{Copies, Inbox, ProviderLookup};
use crate::operations::Operations;
use crate::outbox::{Outbox, Slots};
use crate::provider::Client;
use crate::store::{
    DamagedRows, PendingRoom, Policy, PollLane, PollSchedule, Store, StoreContext, StoreError, WriteHealth,
};
use crate::sweeper::{AuthorizationScope, Sweeper};
use crate::util::backoff::Jitter;
use crate::util::in_flight::InFlight;
use crate::util::schedule::RunRequests;
use crate::worker::Worker;

const DATABASE: &str = "sqlite://athm.db";
/// How many deliveries run at once.
const CONCURRENCY: usize = 64;
/// Lookups of unknown payments: per second, and burst.
const UNKNOWN_PAYMENT_LIMIT: (u32, u32) = (5, 20);
/// How many messages about payments that athm doesn't know are stored as pending at once.
const MAX_UNKNOWN_PENDING: usize = 128;
/// How long a delivery is due before it counts as orphaned.
const ORPHANED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl AthmBuilder {
    /// Checks every receiver, opens the database, and starts delivery: what was left over from before runs first.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what is wrong, all receivers' mistakes at once.
    pub async fn start(mut self) -> Result<Athm, StartError> {
        let provider = self.provider()?;
        let handle = Arc::new(HandleSlot::default());
        self.states.insert(Arc::clone(&handle));
        let dispatcher =
            self.dispatcher.take().unwrap_or_else(Dispatcher::linked).with_states(std::mem::take(&mut self.states));
        dispatcher.add_all(std::mem::take(&mut self.connected));
        let registry = dispatcher.snapshot();
        check_receivers(&registry, dispatcher.states(), &self.expected)?;
        log_receivers(&registry);

        let slots = Slots::new(self.concurrency.unwrap_or(CONCURRENCY));
        let (outbox, unstarted) = Outbox::new(slots, self.clock.clone());
        let outbox = outbox.limited(registry.all());
        let polls = if provider.is_some() { self.polls } else { PollSchedule::Off };
        let policy = Policy { checks: self.checks, registry, polls, scope: self.scope };
        let url = self.database_url.as_deref().unwrap_or(DATABASE);
        let (clock, batching) = (self.clock, self.batching);
        let runtimes = Runtimes::start(self.runtime).map_err(StartError::Threads)?;
        let context = StoreContext {
            policy,
            outbox: outbox.clone(),
            clock: clock.clone(),
            batching,
            damaged: DamagedRows::default(),
            write_health: WriteHealth::default(),
            pending_room: PendingRoom::default(),
            background: runtimes.background().handle,
        };
        let store = opened(url, context).await.inspect_err(|_| {
            runtimes.stop();
        })?;

        let jitter = Arc::new(Jitter::seeded(self.seed));
        let receivers = runtimes.receivers();
        let sweeper_jitter = Arc::clone(&jitter);
        let worker = Worker { dispatcher, store: Arc::clone(&store), outbox, clock: clock.clone(), jitter, receivers };
        let (per_second, burst) = self.unknown_payment_limit.unwrap_or(UNKNOWN_PAYMENT_LIMIT);
        let lookup = provider.map(|client| ProviderLookup::new(client, clock.clone(), per_second, burst));
        let has_secret_webhook = !self.webhook_secrets.is_empty();
        let (message_pending, payment_confirmed) = (Arc::default(), Arc::default());
        let retention = self.retention;
        let copies = Copies::new(retention.copies());
        let unknown_pending = Arc::new(Semaphore::new(MAX_UNKNOWN_PENDING));
        let inbox = Inbox {
            store,
            lookup,
            clock,
            message_pending,
            has_secret_webhook,
            payment_confirmed,
            copies,
            unknown_pending,
        };
        let operations = inbox.lookup.as_ref().map(|lookup| Operations::new(inbox.clone(), &lookup.client));
        let checkouts =
            operations.clone().map(|operations| CheckoutOperations::new(inbox.clone(), operations, self.push_limits));
        let authorized = if polls == PollSchedule::AuthorizeConfirmed {
            AuthorizationScope::All
        } else {
            AuthorizationScope::Checkouts
        };
        let sweeping =
            inbox.lookup.clone().zip(operations.clone()).filter(|_| self.sweeper_mode == SweeperMode::Always);
        let sweeper = |lane, (lookup, operations): (ProviderLookup, Operations)| {
            Sweeper::new(inbox.clone(), lookup, operations, authorized, Arc::clone(&sweeper_jitter), lane)
        };
        let watched = sweeping.clone().zip(checkouts.clone());
        let tasks = ScheduledTasks {
            sweepers: [PollLane::Payment, PollLane::Customer]
                .into_iter()
                .filter_map(|lane| sweeping.clone().map(|sweeping| sweeper(lane, sweeping)))
                .collect(),
            watch: watched.map(|((lookup, _), checkouts)| CheckoutWatch::new(checkouts, lookup)),
            operations: operations.clone(),
            inbox: inbox.clone(),
            retention,
            maintenance: RunRequests::default(),
        };
        let in_background = runtimes.background();
        let background = in_background.handle.clone();
        let runtimes = Arc::new(runtimes);
        let athm = Athm(
            Arc::new(Inner {
                inbox: inbox.clone(),
                worker: worker.clone(),
                background: in_background,
                runtimes: Arc::downgrade(&runtimes),
                operations: operations.clone(),
                checkouts,
                scheduled: tasks.requests(),
                under_way: InFlight::default(),
                orphaned_after: self.orphaned_after.unwrap_or(ORPHANED_AFTER),
                webhook_secrets: self.webhook_secrets,
            }),
            Some(runtimes),
        );
        // Before any receiver runs.
        handle.fill(&athm);
        let orphans = warn_of_orphans(Arc::clone(&inbox.store), inbox.clock.clone(), worker.dispatcher.snapshot());
        background.spawn(orphans.with_current_subscriber());
        worker.receivers.spawn(worker.clone().start_handed_over(unstarted));
        background.spawn(background::restart_on_panic("poll", worker.clone(), Worker::poll));
        background.spawn(background::restart_on_panic("leases", worker.clone(), Worker::renew_leases));
        let writing = (inbox.copies.clone(), Arc::clone(&inbox.store));
        background.spawn(background::restart_on_panic("messages", writing, |(copies, store)| copies.run(store)));
        let reporter = AlertReporter {
            store: Arc::clone(&inbox.store),
            clock: inbox.clock.clone(),
            on_alert: self.on_alert,
            receivers: worker.receivers,
            damaged: Arc::default(),
        };
        let reporting = background::restart_on_panic("alerts", reporter, AlertReporter::run);
        background.spawn(reporting.with_current_subscriber());
        tasks.spawn(&background);
        if let Some(lookup) = inbox.lookup.as_ref().filter(|_| !self.skips_credential_check) {
            background.spawn(credentials::check_at_start(lookup.client.clone(), inbox.clock.clone()));
        }
        Ok(athm)
    }

    fn provider(&mut self) -> Result<Option<Client>, StartError> {
        if let Some(client) = self.client.take() {
            return if self.trusts_callbacks { Err(StartError::TrustWithTokens) } else { Ok(Some(client)) };
        }
        match (self.tokens.take(), self.trusts_callbacks) {
            (Some(_), true) => Err(StartError::TrustWithTokens),
            (None, false) => Err(StartError::NoTokens),
            (None, true) => {
                tracing::warn!("CALLBACKS ARE TRUSTED: nothing is verified, and any sender can complete any payment");
                Ok(None)
            }
            (Some((public, private)), false) => {
                let mut client = Client::builder(public, private).with_clock(self.clock.clone());
                if let Some(url) = &self.api_url {
                    client = client.api_url(url);
                }
                if let Some(id) = &self.business_id {
                    client = client.business_id(id);
                }
                Ok(Some(client.build()?))
            }
        }
    }
}

async fn opened(url: &str, context: StoreContext) -> Result<Arc<dyn Store>, StoreError> {
    let store = super::open::open(url, context).await?;
    store.ping().await?;
    Ok(store)
}
