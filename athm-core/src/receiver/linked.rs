//! The slice in which the linker collects every `#[receiver]` of the program.
//!
//! What the attribute expands to names only what is here, through `athm_core::__private`.

use std::any::type_name;
use std::panic::{Location, catch_unwind};
use std::time::Duration;

use futures_util::future::BoxFuture;
use linkme::distributed_slice;

use super::{BoxError, Context, FromContext, IntoOutcome, MissingState, Outcome, Rejection, States};
use crate::Signal;

/// Every receiver that was linked into the program. The name is global to the binary, and says the layout's version.
#[distributed_slice]
pub static ATHM_RECEIVERS_V1: [Receiver];

/// One function with `#[receiver]`, as a static.
#[derive(Debug)]
pub struct Receiver {
    /// The receiver's name, unique in the program: `module_path::function` unless given.
    pub id: &'static str,
    /// What it listens to.
    pub signals: &'static [Signal],
    /// Lower ones finish before higher ones start.
    pub order: i32,
    /// The one sender that it listens to, or all.
    pub sender: Option<&'static str>,
    /// How often a delivery is tried in all.
    pub attempts: Option<u32>,
    /// How long each attempt may take.
    pub timeout: Option<Duration>,
    /// The file in which its attribute stands.
    pub file: &'static str,
    /// The line on which its attribute starts.
    pub line: u32,
    /// What it asks for.
    pub parameters: &'static [Parameter],
    /// The function, behind one signature for all.
    pub call: Call,
}

impl Receiver {
    /// What a receiver has whose attribute gives no options, and the place of that attribute. It never runs as it is.
    #[track_caller]
    #[must_use]
    pub const fn here() -> Self {
        let place = Location::caller();
        let call = Call::Sync(|_| Ok(()));
        Self {
            id: "",
            signals: &[],
            order: 0,
            sender: None,
            attempts: None,
            timeout: None,
            file: place.file(),
            line: place.line(),
            parameters: &[],
            call,
        }
    }
}

/// One parameter of a receiver: what is checked as `Athm` starts.
#[derive(Debug)]
pub struct Parameter {
    /// The parameter's name or pattern, as written.
    pub name: &'static str,
    /// [`FromContext::check`] of its type.
    pub check: fn(&States) -> Result<(), MissingState>,
    /// [`FromContext::SIGNALS`] of its type.
    pub signals: &'static [Signal],
}

impl Parameter {
    /// A parameter of that type.
    #[must_use]
    pub const fn of<'a, T: FromContext<'a>>(name: &'static str) -> Self {
        Self { name, check: T::check, signals: T::SIGNALS }
    }
}

/// A receiver's function, behind one signature for all.
#[derive(Debug, Clone, Copy)]
pub enum Call {
    /// A plain function: no allocation.
    Sync(for<'a> fn(&'a Context<'a>) -> Outcome),
    /// An async function, whose future is boxed: the context moves into that box.
    Async(for<'a> fn(Context<'a>) -> BoxFuture<'a, Outcome>),
    /// A plain function that may block its thread.
    Blocking(for<'a> fn(&'a Context<'a>) -> Outcome),
}

/// Takes one argument of a receiver from the context.
///
/// # Errors
///
/// The type's own rejection, with the receiver and the parameter named.
pub fn argument<'a, T: FromContext<'a>>(context: &'a Context<'a>, name: &'static str) -> Result<T, BoxError> {
    T::from_context(context).map_err(|rejection| {
        let receiver = context.receiver();
        let type_name = type_name::<T>();
        let reason = format!("parameter `{name}` ({type_name}) of receiver `{receiver}` can't be given");
        Rejection::new(reason).caused_by(rejection).into()
    })
}

/// Takes what a receiver of return type `T` returned. The type is named alone, so that errors point at it.
#[must_use]
pub fn outcome<T: IntoOutcome>() -> fn(T) -> Outcome {
    T::into_outcome
}

/// The one allocation of an async receiver.
pub fn boxed<'a>(future: impl Future<Output = Outcome> + Send + 'a) -> BoxFuture<'a, Outcome> {
    Box::pin(future)
}

/// What the linker collected, or why that can't be used: linkme panics when two slices have one name.
pub(crate) fn collected() -> Result<&'static [Receiver], String> {
    catch_unwind(|| ATHM_RECEIVERS_V1.static_slice()).map_err(|panic| {
        let said = panic.downcast_ref::<String>().map_or("two lists of receivers in one program", String::as_str);
        format!(
            "{said}: there is more than one athm-core in this program, or another list of that name; \
             `cargo tree --duplicates` shows which crates bring them: have all of them use one version"
        )
    })
}
