//! The outage, the queued faults and the rates of random faults.

use std::collections::VecDeque;

use fastrand::Rng;

use super::{Endpoint, Fault, FaultRates, Outage};

pub(crate) struct FaultSchedule {
    pub(crate) outage: Option<Outage>,
    pub(crate) rates: FaultRates,
    queue: VecDeque<(Option<Endpoint>, Fault)>,
    random: Rng,
}

impl FaultSchedule {
    pub(crate) fn new(rates: FaultRates, random: Rng) -> Self {
        Self { outage: None, rates, queue: VecDeque::new(), random }
    }

    /// Queues a fault for the next request of that endpoint, or of any endpoint.
    pub(crate) fn queue(&mut self, endpoint: Option<Endpoint>, fault: Fault) {
        self.queue.push_back((endpoint, fault));
    }

    /// The queued faults, in their order.
    pub(crate) fn queued(&self) -> impl Iterator<Item = &(Option<Endpoint>, Fault)> {
        self.queue.iter()
    }

    /// Empties the queue and ends the outage. The rates stay.
    pub(crate) fn clear(&mut self) {
        self.outage = None;
        self.queue.clear();
    }

    /// The fault of a request of that path: the first that is queued for it, else a random one.
    pub(crate) fn next(&mut self, path: &str) -> Option<Fault> {
        let called = Endpoint::of(path);
        let index = self.queue.iter().position(|(endpoint, _)| endpoint.is_none() || *endpoint == called);
        match index.and_then(|index| self.queue.remove(index)) {
            Some((_, fault)) => Some(fault),
            None => self.rates.draw(&mut self.random),
        }
    }
}
