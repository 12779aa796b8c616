//! Calls the receivers of what was committed, on a runtime that belongs to them.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{Delivery, Ended, Outbox, Unstarted, Work};
use crate::dispatch::{Failure, News, ReceiverInfo, run};
use crate::store::Store;
use crate::text::causes;
use crate::{Clock, Dispatcher, Signal};

/// Runs deliveries and notes how they ended.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    /// Where receivers run: they may block it, and stall nobody else.
    pub(crate) receivers: Handle,
}

impl Worker {
    /// Starts what comes out of the outbox, until nobody can put anything in any more.
    pub(crate) async fn work(self, mut unstarted: Unstarted) {
        while let Some(work) = unstarted.recv().await {
            let worker = self.clone();
            self.receivers.spawn(async move {
                worker.deliver(&work).await;
                worker.outbox.finished();
            });
        }
    }

    /// All receivers of one signal, in their order, then those of the next signal.
    async fn deliver(&self, work: &Work) {
        for &signal in work.event.transition().signals() {
            let deliveries: Vec<_> = work.deliveries.iter().filter(|delivery| delivery.signal == signal).collect();
            let ended = self.deliver_signal(work, signal, &deliveries).await;
            if let Err(error) = self.store.acknowledge(ended).await {
                let transaction = work.transaction.id();
                tracing::error!(%transaction, error = %causes(&error), "receivers ran, which could not be noted: they run again at the next start");
            }
        }
    }

    async fn deliver_signal(&self, work: &Work, signal: Signal, deliveries: &[&Delivery]) -> Vec<Ended> {
        let registry = self.dispatcher.snapshot();
        let known: Vec<(&ReceiverInfo, &Delivery)> = registry
            .all()
            .iter()
            .filter_map(|receiver| {
                let delivery = deliveries.iter().find(|delivery| delivery.receiver == receiver.id())?;
                Some((receiver, *delivery))
            })
            .collect();
        let receivers: Vec<_> = known.iter().map(|(receiver, _)| *receiver).collect();
        let Work { transaction, event, .. } = work;
        let news = News { transaction, signal, sender: event.sender(), states: self.dispatcher.states() };
        let results = run(news, &receivers).await;
        known.iter().zip(results).map(|((_, delivery), result)| self.ended(delivery, result)).collect()
    }

    fn ended(&self, delivery: &Delivery, result: Result<(), Failure>) -> Ended {
        Ended { id: delivery.id, error: result.err().map(|failure| causes(&failure)), at: self.clock.now() }
    }
}
