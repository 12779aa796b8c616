//! What was asked of the simulator.

use std::collections::VecDeque;

use athm_core::{Amount, EcommerceId};

use crate::Fault;

/// One request, as [`Simulator::requests`](super::Simulator::requests) lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The path, without the query string.
    pub path: String,
    /// The HTTP status of the answer; `None` when none was given (yet).
    pub status: Option<u16>,
    /// The payment that the provider's API was asked about, if there is one.
    pub payment: Option<EcommerceId>,
    /// The amount that was asked for, of a refund.
    pub amount: Option<Amount>,
    /// What the simulator let go wrong.
    pub fault: Option<Fault>,
    /// The code of the payment API that it was refused with, such as `BTRA_0045`, whether the caller could read it or not.
    pub refused_with: Option<String>,
}

/// The last requests: bounded, as the phone's page asks all day long.
#[derive(Default)]
pub(crate) struct RequestLog {
    requests: VecDeque<ReceivedRequest>,
    /// How many older ones are forgotten.
    forgotten: u64,
}

impl RequestLog {
    const MOST: usize = 100_000;

    /// Notes a request as it comes in, and gives it a number. An answer may never be given.
    pub(crate) fn came(&mut self, method: &str, path: &str) -> u64 {
        if self.requests.len() == Self::MOST {
            self.requests.pop_front();
            self.forgotten += 1;
        }
        let (method, path) = (method.to_owned(), path.to_owned());
        self.requests.push_back(ReceivedRequest {
            method,
            path,
            status: None,
            payment: None,
            amount: None,
            fault: None,
            refused_with: None,
        });
        self.forgotten + self.requests.len() as u64 - 1
    }

    /// The request of that number, unless it is forgotten.
    pub(crate) fn of(&mut self, number: u64) -> Option<&mut ReceivedRequest> {
        let place = usize::try_from(number.checked_sub(self.forgotten)?).ok()?;
        self.requests.get_mut(place)
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.iter().cloned().collect()
    }

    /// The last ones, the newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &ReceivedRequest> {
        self.requests.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_forgets_the_oldest_rather_than_grow_for_ever() {
        let mut log = RequestLog::default();
        let numbers: Vec<_> = (0..=RequestLog::MOST).map(|number| log.came("GET", &format!("/{number}"))).collect();
        let requests = log.requests();
        assert_eq!(requests.len(), RequestLog::MOST);
        assert_eq!(requests[0].path, "/1");
        assert!(log.of(numbers[0]).is_none());
        assert_eq!(log.of(numbers[RequestLog::MOST]).unwrap().path, format!("/{}", RequestLog::MOST));
    }
}
