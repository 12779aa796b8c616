//! What receivers share with the rest of the program.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{Context, FromContext, Rejection};

/// Something of the program's own that a receiver asks for by its type: a database pool, a mailer, a stock.
///
/// Give it to the builder with `.state(…)`. A receiver's `State<T>` that was never given stops the program as it
/// starts, not at the first payment.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use athm_core::{State, receiver};
///
/// #[receiver(completed)]
/// fn count(State(sales): State<AtomicU32>) {
///     sales.fetch_add(1, Ordering::Relaxed);
/// }
/// ```
#[derive(Debug)]
pub struct State<T: ?Sized>(pub Arc<T>);

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'a, T: ?Sized + Send + Sync + 'static> FromContext<'a> for State<T> {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        context.signal_context.states.find().map(Self).ok_or_else(|| {
            let missing = MissingState::of::<T>();
            Rejection::new(missing.to_string())
        })
    }

    fn check(states: &States) -> Result<(), MissingState> {
        states.find::<T>().map(drop).ok_or_else(MissingState::of::<T>)
    }
}

/// The states given to the builder, one of each type.
///
/// ```
/// use athm_core::dispatch::States;
/// use athm_core::errors::MissingState;
/// use athm_core::{Context, FromContext, Rejection, State};
///
/// struct Price(u32);
///
/// impl FromContext<'_> for Price {
///     fn from_context(context: &Context<'_>) -> Result<Self, Rejection> {
///         Ok(Self(*State::<u32>::from_context(context)?))
///     }
///
///     fn check(states: &States) -> Result<(), MissingState> {
///         State::<u32>::check(states)
///     }
/// }
/// ```
#[derive(Clone, Default)]
pub struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl States {
    pub(crate) fn insert<T: ?Sized + Send + Sync + 'static>(&mut self, state: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), Arc::new(state));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn find<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref::<Arc<T>>().cloned()
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "States({} types)", self.0.len())
    }
}

/// A state that a receiver asks for and that wasn't given.
///
/// ```
/// use athm_core::dispatch::States;
/// use athm_core::{FromContext, State};
///
/// let error = State::<u32>::check(&States::default()).unwrap_err();
/// assert_eq!(error.type_name(), "u32");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no state of type `{type_name}` was given: give one with `.{cure}(…)`")]
pub struct MissingState {
    type_name: &'static str,
    cure: &'static str,
}

impl MissingState {
    pub(crate) fn of<T: ?Sized>() -> Self {
        // A reference to what is behind a trait has a second part.
        let is_sized = size_of::<&T>() == size_of::<usize>();
        Self { type_name: type_name::<T>(), cure: if is_sized { "state" } else { "shared_state" } }
    }

    /// The type that is missing.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}
