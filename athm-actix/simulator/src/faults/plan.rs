//! What goes wrong next.

use std::collections::VecDeque;

use fastrand::Rng;

use super::{Endpoint, Fault, FaultRates, Outage};

pub(crate) struct Plan {
    pub(crate) outage: Option<Outage>,
    pub(crate) rates: FaultRates,
    queue: VecDeque<(Option<Endpoint>, Fault)>,
    random: Rng,
}

impl Plan {
    pub(crate) fn new(rates: FaultRates, random: Rng) -> Self {
        Self { outage: None, rates, queue: VecDeque::new(), random }
    }

    /// The next request of that endpoint, or of any, goes wrong.
    pub(crate) fn queue(&mut self, endpoint: Option<Endpoint>, fault: Fault) {
        self.queue.push_back((endpoint, fault));
    }

    /// What is queued, in the order in which it was.
    pub(crate) fn queued(&self) -> impl Iterator<Item = &(Option<Endpoint>, Fault)> {
        self.queue.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    pub(super) fn next(&mut self, path: &str) -> Option<Fault> {
        let asked = Endpoint::of(path);
        let place = self.queue.iter().position(|(endpoint, _)| endpoint.is_none() || *endpoint == asked);
        match place.and_then(|place| self.queue.remove(place)) {
            Some((_, fault)) => Some(fault),
            None => self.rates.draw(&mut self.random),
        }
    }
}
