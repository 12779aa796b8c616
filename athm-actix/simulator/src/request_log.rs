//! The log of received requests.

use std::collections::VecDeque;

use athm_core::Amount;
use athm_core::ids::EcommerceId;

use crate::faults::Fault;

/// One request, as [`Simulator::requests`](crate::Simulator::requests) lists it.
///
/// ```
/// use athm_simulator::Simulator;
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::start().await?;
/// for request in simulator.requests() {
///     println!("{} {}: {:?}, injected {:?}", request.method, request.path, request.status, request.fault);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The path, without the query string.
    pub path: String,
    /// The HTTP status of the answer; `None` before it is sent, and for requests that are never answered.
    pub status: Option<u16>,
    /// The payment that the request names, where the simulator has it.
    pub payment: Option<EcommerceId>,
    /// The amount that a refund asks for.
    pub amount: Option<Amount>,
    /// The fault that was injected.
    pub fault: Option<Fault>,
    /// The error code that refused the request, such as `BTRA_0045`. A fault may have hidden it from the caller.
    pub refused_with: Option<String>,
}

/// The latest requests. Bounded, because the phone's page polls.
#[derive(Default)]
pub(crate) struct RequestLog {
    requests: VecDeque<ReceivedRequest>,
    /// How many older requests were dropped.
    dropped: u64,
}

impl RequestLog {
    const CAPACITY: usize = 100_000;

    /// Adds a request and returns its number.
    pub(crate) fn record(&mut self, method: &str, path: &str) -> u64 {
        if self.requests.len() == Self::CAPACITY {
            self.requests.pop_front();
            self.dropped += 1;
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
        self.dropped + self.requests.len() as u64 - 1
    }

    /// The request with that number, unless it was dropped.
    pub(crate) fn request_mut(&mut self, number: u64) -> Option<&mut ReceivedRequest> {
        let index = usize::try_from(number.checked_sub(self.dropped)?).ok()?;
        self.requests.get_mut(index)
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.iter().cloned().collect()
    }

    /// The requests, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &ReceivedRequest> {
        self.requests.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_drops_the_oldest_request() {
        let mut log = RequestLog::default();
        let numbers: Vec<_> =
            (0..=RequestLog::CAPACITY).map(|number| log.record("GET", &format!("/{number}"))).collect();
        let requests = log.requests();
        assert_eq!(requests.len(), RequestLog::CAPACITY);
        assert_eq!(requests[0].path, "/1");
        assert!(log.request_mut(numbers[0]).is_none());
        assert_eq!(log.request_mut(numbers[RequestLog::CAPACITY]).unwrap().path, format!("/{}", RequestLog::CAPACITY));
    }
}
