//! Starting: everything that can be wrong is found here, not at the first payment.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;

use super::runtimes::Runtimes;
use super::{Athm, Builder, Inner, StartError};
use crate::clock::later;
use crate::delivery::{Outbox, Worker};
use crate::dispatch::Registry;
use crate::processor::{Processor, tokens_before};
use crate::provider::Client;
use crate::receiver::States;
use crate::store::{self, Policy};
use crate::text::causes;
use crate::{Dispatcher, StoreError};

const DATABASE: &str = "sqlite://athm.db";
/// How often the house looks around when nothing is due before.
const ROUND: Duration = Duration::from_secs(60);

impl Builder {
    /// Checks every receiver, opens the database, and starts delivery: what was left over from before runs first.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what is wrong, all receivers' mistakes at once.
    pub async fn start(mut self) -> Result<Athm, StartError> {
        let provider = self.provider()?;
        let dispatcher =
            self.dispatcher.take().unwrap_or_else(Dispatcher::linked).with_states(std::mem::take(&mut self.states));
        dispatcher.add_all(std::mem::take(&mut self.connected));
        let registry = dispatcher.snapshot();
        refuse_mistakes(&registry, dispatcher.states())?;
        for receiver in registry.all() {
            tracing::info!(%receiver, signals = ?receiver.signals(), order = receiver.order(), "receiver");
        }

        let (outbox, unstarted) = Outbox::new();
        let policy = Policy { checks: self.checks, registry };
        let url = self.database_url.as_deref().unwrap_or(DATABASE);
        let store = store::open(url, policy, outbox.clone(), &self.clock)?;
        for work in store.unfinished().await? {
            outbox.hand_over(work);
        }

        let runtimes = Runtimes::start().map_err(StartError::Threads)?;
        let clock = self.clock;
        let processor =
            Processor { store: Arc::clone(&store), provider, clock: clock.clone(), waiting: Arc::default() };
        if let (Some(house), Some(receivers)) = (runtimes.house(), runtimes.receivers()) {
            let worker = Worker { dispatcher: dispatcher.clone(), store, outbox: outbox.clone(), clock, receivers };
            house.spawn(worker.work(unstarted));
            house.spawn(keep_house(processor.clone()));
        }
        Ok(Athm(Arc::new(Inner { processor, dispatcher, outbox, runtimes })))
    }

    fn provider(&mut self) -> Result<Option<Client>, StartError> {
        match (self.tokens.take(), self.trusts_callbacks) {
            (Some(_), true) => Err(StartError::TrustWithTokens),
            (None, false) => Err(StartError::NoTokens),
            (None, true) => {
                tracing::warn!(
                    "CALLBACKS ARE TRUSTED: nothing is verified, anybody who can post here can complete any payment"
                );
                Ok(None)
            }
            (Some((public, private)), false) => {
                let mut client = Client::builder(public, private).clock(self.clock.clone());
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

fn refuse_mistakes(registry: &Registry, states: &States) -> Result<(), StartError> {
    let duplicates = registry.duplicates().into_iter().map(|receivers| format!("one id for several: {receivers}"));
    let problems: Vec<String> = duplicates.chain(registry.missing(states)).collect();
    if problems.is_empty() { Ok(()) } else { Err(StartError::Receivers { problems }) }
}

/// Asks again about what is pending, as its time comes, and tidies up now and then.
async fn keep_house(processor: Processor) {
    loop {
        if let Err(error) = round(&processor).await {
            if matches!(error, StoreError::Closed) {
                return;
            }
            tracing::error!(error = %causes(&error), "pending messages couldn't be looked after; tried again");
        }
        wait(&processor).await;
    }
}

async fn round(processor: &Processor) -> Result<(), StoreError> {
    processor.store.tidy(tokens_before(processor.clock.now())).await?;
    processor.retry_pending().await
}

/// Until a message's time has come, or a message begins to wait.
async fn wait(processor: &Processor) {
    let look_around = later(processor.clock.now(), ROUND);
    let due = processor.store.next_due().await.ok().flatten();
    let time = pin!(processor.clock.sleep_until(due.map_or(look_around, |due| due.min(look_around))));
    let waiting = pin!(processor.waiting.notified());
    select(time, waiting).await;
}
