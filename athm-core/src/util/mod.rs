//! Small tools that know nothing of payments.

pub(crate) mod backoff;
pub(crate) mod clock;
pub(crate) mod contain;
pub(crate) mod in_flight;
pub(crate) mod limit;
pub(crate) mod process;
pub(crate) mod rate_limit;
pub(crate) mod schedule;
pub(crate) mod text;
