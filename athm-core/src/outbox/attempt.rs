//! Claims and attempts: who runs a delivery, and what that run costs it.
//!
//! A claim has an identity of its own, so that an outcome, however late, can't be taken for that of another claim. The
//! number of attempts is something else: it counts runs that were the receiver's own failures.
//!
//! A process that ends by itself leaves its deliveries `running`. Any of them may be the one whose receiver ended it, so
//! none is charged: each counts an *interruption*. The first claim after that is an ordinary one. A delivery that
//! [`SUSPECT_AFTER`] processes in a row have left behind is a *suspect*. A process runs one suspect at a time, and the
//! claim spends its attempt in advance: if the process ends again, that delivery alone pays. Its next attempt waits as
//! after any failure. As soon as a receiver returns, whatever it returns, its delivery is an ordinary one again.
//!
//! An example with three attempts: 20 deliveries are running, and one of them aborts the process, each time. After two
//! such ends, all that were left behind are suspects. One after another they run alone, and succeed; the one that aborts
//! ends three more processes, 5 s and 20 s apart at most, and is dead then.

use std::time::Duration;

use uuid::Uuid;

use super::NewDelivery;

/// How many processes in a row leave a delivery behind before it is a suspect.
pub(crate) const SUSPECT_AFTER: u32 = 2;

/// The identity of a claim. No other claim has it, on whatever process, even if the commit of this one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClaimId(Uuid);

impl ClaimId {
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    pub(crate) fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

/// One run of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) claim: ClaimId,
    /// Its number, from 1. An attempt that was interrupted and didn't count has the number of the one after it.
    pub(crate) number: u32,
    pub(crate) kind: ClaimKind,
    /// How long the delivery has waited because its receiver asked for it.
    pub(crate) waited: Duration,
}

/// What a claim took: it decides what the attempt costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimKind {
    /// It counts if the receiver fails.
    Ordinary,
    /// It was counted by the claim, before it begins.
    Suspect,
    /// It was a suspect's, and ended with its process: it doesn't run again, only its failure is to be stored.
    Interrupted,
}

impl Attempt {
    /// The first one of a delivery.
    pub(crate) fn first(claim: ClaimId) -> Self {
        Self { claim, number: 1, kind: ClaimKind::Ordinary, waited: Duration::ZERO }
    }

    /// How many attempts count if this one doesn't.
    pub(crate) fn counted_before(&self) -> u32 {
        match self.kind {
            ClaimKind::Ordinary | ClaimKind::Suspect => self.number.saturating_sub(1),
            ClaimKind::Interrupted => self.number,
        }
    }

    /// How many attempts count if this one ends with its process.
    pub(crate) fn counted_when_interrupted(&self) -> u32 {
        match self.kind {
            ClaimKind::Ordinary => self.counted_before(),
            ClaimKind::Suspect | ClaimKind::Interrupted => self.number,
        }
    }

    pub(crate) fn is_suspect(&self) -> bool {
        self.kind != ClaimKind::Ordinary
    }
}

/// A delivery as a claim finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimableDelivery {
    pub(crate) delivery: NewDelivery,
    pub(crate) attempts: u32,
    pub(crate) is_replay: bool,
    /// Whether it was left behind: running, and its lease has ended.
    pub(crate) is_left_behind: bool,
    /// How many processes in a row left it behind before.
    pub(crate) interruptions: u32,
    /// See [`Attempt::waited`].
    pub(crate) waited: Duration,
}

impl ClaimableDelivery {
    /// The attempt that a claim makes of it.
    pub(crate) fn attempt(&self, claim: ClaimId) -> Attempt {
        let waited = self.waited;
        let next = |kind| Attempt { claim, number: self.attempts.saturating_add(1), kind, waited };
        let interruptions = self.interruptions.saturating_add(self.is_left_behind.into());
        if self.is_left_behind && self.interruptions >= SUSPECT_AFTER {
            Attempt { claim, number: self.attempts, kind: ClaimKind::Interrupted, waited }
        } else if interruptions >= SUSPECT_AFTER {
            next(ClaimKind::Suspect)
        } else {
            next(ClaimKind::Ordinary)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{DeliveryId, Signal};

    /// Claims it again and again, with processes that all end while it runs, and returns the attempts.
    fn left_behind(times: usize) -> Vec<(u32, ClaimKind)> {
        let (id, signal, receiver) = (DeliveryId::new(), Signal::Completed, String::from("ship"));
        let delivery = NewDelivery { id, signal, receiver, waits_for_customer: false };
        let mut found = ClaimableDelivery {
            delivery,
            attempts: 0,
            is_replay: false,
            is_left_behind: false,
            interruptions: 0,
            waited: Duration::ZERO,
        };
        let attempts = (0..times).map(|_| {
            let attempt = found.attempt(ClaimId::new());
            found.interruptions += u32::from(found.is_left_behind);
            found.attempts = attempt.counted_when_interrupted();
            // A failure that was only stored leaves it due.
            found.is_left_behind = attempt.kind != ClaimKind::Interrupted;
            (attempt.number, attempt.kind)
        });
        attempts.collect()
    }

    #[test]
    fn two_interruptions_are_free_and_each_later_one_costs_an_attempt() {
        let expected = [
            (1, ClaimKind::Ordinary),
            (1, ClaimKind::Ordinary),
            (1, ClaimKind::Suspect),
            (1, ClaimKind::Interrupted),
            (2, ClaimKind::Suspect),
            (2, ClaimKind::Interrupted),
            (3, ClaimKind::Suspect),
        ];
        assert_eq!(left_behind(7), expected);
    }

    #[test]
    fn no_two_claims_have_one_identity() {
        assert_ne!(ClaimId::new(), ClaimId::new());
    }
}
