//! What was asked of the simulator.

use std::collections::VecDeque;

/// One request, as [`Simulator::requests`](super::Simulator::requests) lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The path, without the query string.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// The last requests: bounded, as the phone's page asks all day long.
#[derive(Default)]
pub(super) struct RequestLog(VecDeque<ReceivedRequest>);

impl RequestLog {
    const MOST: usize = 10_000;

    pub(super) fn push(&mut self, method: &str, path: &str, status: u16) {
        if self.0.len() == Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(ReceivedRequest { method: method.to_owned(), path: path.to_owned(), status });
    }

    pub(super) fn requests(&self) -> Vec<ReceivedRequest> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_forgets_the_oldest_rather_than_grow_for_ever() {
        let mut log = RequestLog::default();
        for number in 0..=RequestLog::MOST {
            log.push("GET", &format!("/{number}"), 200);
        }
        let requests = log.requests();
        assert_eq!(requests.len(), RequestLog::MOST);
        assert_eq!(requests[0].path, "/1");
    }
}
