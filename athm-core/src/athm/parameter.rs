//! The handle as a parameter of receivers.

use std::sync::{Arc, OnceLock, Weak};

use super::{Athm, Inner};
use crate::receiver::{Context, FromContext, MissingState, Rejection, States};

/// Where receivers find the handle. It is one of the states, empty until athm has started, and doesn't keep the handle alive:
/// the handle holds the states.
#[derive(Default)]
pub(super) struct HandleSlot(OnceLock<Weak<Inner>>);

impl HandleSlot {
    pub(super) fn fill(&self, athm: &Athm) {
        // Filled once, by the start that made it.
        let _ = self.0.set(Arc::downgrade(&athm.0));
    }

    fn handle(&self) -> Option<Athm> {
        self.0.get().and_then(Weak::upgrade).map(|inner| Athm(inner, None))
    }
}

/// The handle, for a receiver that acts: it refunds, or looks up other payments.
///
/// It doesn't keep athm running: once athm was shut down, or the program has dropped its own handle, operations answer
/// [`OperationError::Closed`](crate::errors::OperationError::Closed). Where no athm was started, as in
/// [`testing::call`](crate::testing::call) and in a dispatcher by itself, it is what was given with `.state(athm)`.
impl FromContext<'_> for Athm {
    fn from_context(context: &Context<'_>) -> Result<Self, Rejection> {
        if let Some(slot) = context.states().find::<HandleSlot>() {
            return slot.handle().ok_or(Rejection::new("athm was shut down"));
        }
        let given = context.states().find::<Self>().ok_or_else(MissingState::of::<Self>);
        given.map(|given| Self(Arc::clone(&given.0), None)).map_err(|missing| Rejection::new(missing.to_string()))
    }

    fn check(states: &States) -> Result<(), MissingState> {
        let is_there = states.find::<HandleSlot>().is_some() || states.find::<Self>().is_some();
        if is_there { Ok(()) } else { Err(MissingState::of::<Self>()) }
    }
}
