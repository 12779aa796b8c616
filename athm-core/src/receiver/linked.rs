//! The slice in which the linker collects every `#[receiver]` of the program.
//!
//! What the attribute expands to names only what is here, through `athm_core::__private`.

use futures_util::future::BoxFuture;
use linkme::distributed_slice;

use super::{BoxError, Context, FromContext, MissingState, Outcome, Rejection, States};
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
    /// Where it stands.
    pub file: &'static str,
    /// Where it stands.
    pub line: u32,
    /// What it asks for.
    pub parameters: &'static [Parameter],
    /// The function, behind one signature for all.
    pub call: Call,
}

/// One parameter of a receiver: what is checked as `Athm` starts.
#[derive(Debug)]
pub struct Parameter {
    /// The parameter's name or pattern, as written.
    pub name: &'static str,
    /// [`FromContext::check`] of its type.
    pub check: fn(&States) -> Result<(), MissingState>,
}

/// A receiver's function, behind one signature for all.
#[derive(Debug, Clone, Copy)]
pub enum Call {
    /// A plain function: no allocation.
    Sync(for<'a> fn(&'a Context<'a>) -> Outcome),
    /// An async function, whose future is boxed.
    Async(for<'a> fn(&'a Context<'a>) -> BoxFuture<'a, Outcome>),
}

/// Takes one argument of a receiver from the context.
///
/// # Errors
///
/// The type's own rejection, with the receiver and the parameter named.
pub fn argument<'a, T: FromContext<'a>>(context: &'a Context<'a>, name: &'static str) -> Result<T, BoxError> {
    T::from_context(context).map_err(|rejection| {
        let receiver = context.receiver();
        let reason = format!("parameter `{name}` of receiver `{receiver}` can't be given");
        Rejection::new(reason).caused_by(rejection).into()
    })
}

/// What the linker collected.
pub(crate) fn collected() -> &'static [Receiver] {
    &ATHM_RECEIVERS_V1
}
