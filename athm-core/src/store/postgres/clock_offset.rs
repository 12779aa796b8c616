//! The difference between this process's clock and the server's.
//!
//! Deadlines (leases, retries) are stored in the server's time, and every process converts them with its own offset, so
//! that processes agree on what is due although their clocks disagree. Example: this process's steady clock shows 12:00:00
//! when the server's shows 12:00:07. The offset is +7 s: a lease until 12:00:30 here is stored as 12:00:37, and a stored
//! 12:00:37 is read as 12:00:30.
//!
//! The server is asked once a second at most. In between, both clocks run at the same rate, near enough.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::values::storable;

/// How long an offset is used before the server is asked again.
pub(super) const MAX_OFFSET_AGE: Duration = Duration::from_secs(1);

/// When the server was asked for its time, and the offset that followed. All connections of a process share it: with
/// offsets that differ by microseconds, a row that is due for one connection may not be due for the other yet.
pub(super) type LastOffset = Mutex<Option<(Instant, ClockOffset)>>;

/// How far the server's clock is ahead of this process's steady clock. It is 0 on a clock that a test moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockOffset {
    pub(super) ahead: SignedDuration,
}

impl ClockOffset {
    /// A steady time of this process, as the server stores it.
    pub(super) fn to_server(self, here: Timestamp) -> Timestamp {
        storable(here.saturating_add(self.ahead).unwrap_or(here))
    }

    /// A stored time, as a steady time of this process.
    pub(super) fn to_local(self, there: Timestamp) -> Timestamp {
        there.saturating_sub(self.ahead).unwrap_or(there)
    }
}
