//! Which of the running attempts asked to be completed by a database transaction of the program's own.
//!
//! Whether that transaction commits is known to the database alone, and a transaction that rolls back leaves no trace there.
//! So the worker registers each attempt while its receiver runs, a completion marks it, and the worker looks at the mark when
//! the receiver has returned. A [`Delivery`](super::Delivery) holds ids only, and may be copied to any thread: the marks are
//! kept by the identity of the claim, which no other attempt of any `Athm` in this process has.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::models::DeliveryId;

/// The running attempts, by delivery and claim, and whether each was marked.
static RUNNING: Mutex<BTreeMap<(Uuid, Uuid), bool>> = Mutex::new(BTreeMap::new());

/// An attempt that is registered until this is dropped.
#[derive(Debug)]
pub(crate) struct RegisteredAttempt((Uuid, Uuid));

impl RegisteredAttempt {
    pub(crate) fn new(delivery: DeliveryId, claim: Uuid) -> Self {
        let key = (*delivery.as_uuid(), claim);
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).insert(key, false);
        Self(key)
    }

    /// Whether a transaction was asked to complete it.
    pub(crate) fn is_completion_requested(&self) -> bool {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).get(&self.0).copied().unwrap_or_default()
    }
}

impl Drop for RegisteredAttempt {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Marks an attempt. One that has ended isn't registered any more: the database refuses its completion.
pub(crate) fn request_completion(delivery: DeliveryId, claim: Uuid) {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(is_requested) = running.get_mut(&(*delivery.as_uuid(), claim)) {
        *is_requested = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_marked_by_its_own_claim_alone() {
        let (delivery, claims) = (DeliveryId::new(), [Uuid::now_v7(), Uuid::now_v7()]);
        let [first, second] = claims.map(|claim| RegisteredAttempt::new(delivery, claim));
        request_completion(delivery, claims[1]);
        assert_eq!([first, second].map(|attempt| attempt.is_completion_requested()), [false, true]);
        // Both have ended: nothing is left to mark.
        request_completion(delivery, claims[0]);
        assert!(!RegisteredAttempt::new(delivery, claims[0]).is_completion_requested());
    }
}
