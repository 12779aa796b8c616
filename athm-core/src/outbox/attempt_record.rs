//! An attempt as it is stored, for people who look at it.

use jiff::Timestamp;

/// An attempt at a delivery that failed, or one that succeeded after such a failure. An attempt that succeeds at once is not
/// stored: its delivery says all.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::StoreError;
/// use athm_core::ids::DeliveryId;
///
/// async fn print(athm: &Athm, delivery: DeliveryId) -> Result<(), StoreError> {
///     for attempt in athm.deliveries().attempts(delivery).await? {
///         let result = attempt.error.as_deref().unwrap_or("succeeded");
///         println!("{} on {}: {result}", attempt.started_at, attempt.process);
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// Its number, from 1. It begins anew with each replay.
    pub number: u32,
    /// When the receiver was called.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The process that ran it: the machine's name, where that is known, and the process's id.
    pub process: String,
    /// Why it failed; `None` for a success.
    pub error: Option<String>,
}
