//! The slice in which the linker collects every `#[receiver]` of the program.
//!
//! What the attribute expands to names only what is here, through `athm_core::__private`. It hands its static to the macro
//! `ATHM_RECEIVERS_V1!`, as linkme's own attribute does. That attribute would first check that the static's type is that of
//! the slice: three functions more to compile for each receiver, without which a program of a thousand builds a third faster.
//! linkme doesn't document this form: Cargo.toml says which versions have it.

use std::any::type_name;
use std::panic::{Location, catch_unwind};
use std::time::Duration;

use futures_util::future::BoxFuture;
use linkme::distributed_slice;

use super::{
    BoxError, Context, FromContext, IntoOutcome, MissingState, Outcome, Rejection, SenderName, States, constants,
};
use crate::models::{Signal, Transaction};

/// Every receiver that was linked into the program. The name is global to the binary, and says the layout's version.
#[distributed_slice]
pub static ATHM_RECEIVERS_V1: [Receiver];

/// One function with `#[receiver]`, as a static.
#[derive(Debug)]
pub struct Receiver {
    /// The receiver's name, unique in the program: `module_path::function` unless given.
    pub id: &'static str,
    /// Whether that is `module_path::function`.
    pub has_default_id: bool,
    /// What it listens to.
    pub signals: &'static [Signal],
    /// Lower ones finish before higher ones start.
    pub order: i32,
    /// The senders that it listens to; all where there is none.
    pub senders: &'static [&'static dyn SenderName],
    /// How often a delivery is tried in all.
    pub attempts: Option<u32>,
    /// How long the first pause between two attempts may be.
    pub backoff: Option<Duration>,
    /// How long each attempt may take.
    pub timeout: Option<Duration>,
    /// How many of its deliveries run at once in a process; as many as there are slots, unless given.
    pub concurrency: Option<u32>,
    /// For which payments it runs; for all, unless given.
    pub condition: Option<fn(&Transaction) -> bool>,
    /// The ids that it was known by before.
    pub was: &'static [&'static str],
    /// The file in which its attribute stands.
    pub file: &'static str,
    /// The line on which its attribute starts.
    pub line: u32,
    /// What it asks for.
    pub parameters: &'static [Parameter],
    /// The function, behind one signature for all.
    pub call: ReceiverFn,
}

impl Receiver {
    #[track_caller]
    const fn new(
        id: &'static str,
        has_default_id: bool,
        signals: &'static [Signal],
        parameters: &'static [Parameter],
        call: ReceiverFn,
    ) -> Self {
        let place = Location::caller();
        Self {
            id,
            has_default_id,
            signals,
            order: 0,
            senders: &[],
            attempts: None,
            backoff: None,
            timeout: None,
            concurrency: None,
            condition: None,
            was: &[],
            file: place.file(),
            line: place.line(),
            parameters,
            call,
        }
    }

    /// The same with `order = …`.
    #[must_use]
    pub const fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }

    /// The same with `sender = …`.
    #[must_use]
    pub const fn senders(mut self, senders: &'static [&'static dyn SenderName]) -> Self {
        self.senders = senders;
        self
    }

    /// The same with `attempts = …`.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// The same with `backoff = …`, a constant.
    #[must_use]
    pub const fn backoff(mut self, first: Duration) -> Self {
        self.backoff = Some(first);
        self
    }

    /// The same with `backoff = "…"`, in milliseconds.
    #[must_use]
    pub const fn backoff_ms(mut self, first: u64) -> Self {
        self.backoff = Some(Duration::from_millis(first));
        self
    }

    /// The same with `concurrency = …`.
    #[must_use]
    pub const fn concurrency(mut self, most: u32) -> Self {
        self.concurrency = Some(most);
        self
    }

    /// The same with `if = …`.
    #[must_use]
    pub const fn condition(mut self, condition: fn(&Transaction) -> bool) -> Self {
        self.condition = Some(condition);
        self
    }

    /// The same with `was = …`.
    #[must_use]
    pub const fn was(mut self, ids: &'static [&'static str]) -> Self {
        self.was = ids;
        self
    }

    /// The same with `timeout = …`, a constant.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The same with `timeout = "…"`, in milliseconds.
    #[must_use]
    pub const fn timeout_ms(mut self, timeout: u64) -> Self {
        self.timeout = Some(Duration::from_millis(timeout));
        self
    }
}

/// A plain function whose attribute gives no options. The place is that of the attribute.
///
/// Each kind of function has a constructor of its own: a variant of `ReceiverFn` around each function takes the compiler
/// longer.
#[track_caller]
#[must_use]
pub const fn sync_receiver(
    id: &'static str,
    has_default_id: bool,
    signals: &'static [Signal],
    parameters: &'static [Parameter],
    call: fn(ContextRef<'_>) -> Outcome,
) -> Receiver {
    Receiver::new(id, has_default_id, signals, parameters, ReceiverFn::Sync(call))
}

/// The same of an async function.
#[track_caller]
#[must_use]
pub const fn async_receiver(
    id: &'static str,
    has_default_id: bool,
    signals: &'static [Signal],
    parameters: &'static [Parameter],
    call: fn(Context<'_>) -> BoxFuture<'_, Outcome>,
) -> Receiver {
    Receiver::new(id, has_default_id, signals, parameters, ReceiverFn::Async(call))
}

/// The same of a plain function that may block its thread.
#[track_caller]
#[must_use]
pub const fn blocking_receiver(
    id: &'static str,
    has_default_id: bool,
    signals: &'static [Signal],
    parameters: &'static [Parameter],
    call: fn(ContextRef<'_>) -> Outcome,
) -> Receiver {
    Receiver::new(id, has_default_id, signals, parameters, ReceiverFn::Blocking(call))
}

/// One parameter of a receiver: what is checked as `Athm` starts.
#[derive(Debug)]
pub struct Parameter {
    /// The parameter's name or pattern, as written.
    pub name: &'static str,
    /// [`FromContext::check`] of its type.
    pub check: fn(&States) -> Result<(), MissingState>,
    /// [`FromContext::WAITS_FOR_CUSTOMER`] of its type.
    pub waits_for_customer: bool,
}

/// The signals of a receiver that names one.
pub const RECEIVED: &[Signal] = &[Signal::Received];
/// The same.
pub const COMPLETED: &[Signal] = &[Signal::Completed];
/// The same.
pub const CANCELLED: &[Signal] = &[Signal::Cancelled];
/// The same.
pub const EXPIRED: &[Signal] = &[Signal::Expired];
/// The same.
pub const REFUNDED: &[Signal] = &[Signal::Refunded];

/// A parameter with its type, as it is declared to the start and taken from a context.
#[derive(Debug)]
pub struct Typed<'a, T> {
    declared: Parameter,
    /// [`FromContext::SIGNALS`] of its type.
    signals: &'static [Signal],
    from_context: fn(&'a Context<'a>) -> Result<T, Rejection>,
}

impl<'a, T> Typed<'a, T> {
    pub(super) const fn new(
        name: &'static str,
        check: fn(&States) -> Result<(), MissingState>,
        signals: &'static [Signal],
        waits_for_customer: bool,
        from_context: fn(&'a Context<'a>) -> Result<T, Rejection>,
    ) -> Self {
        let declared = Parameter { name, check, waits_for_customer };
        Self { declared, signals, from_context }
    }

    /// Why there is no argument for it, with the receiver and the parameter named.
    #[cold]
    pub(super) fn failed(&self, context: &Context<'_>, how: &str, cause: BoxError) -> BoxError {
        failed(self.declared.name, type_name::<T>(), context, how, cause)
    }
}

/// A parameter of that type. The bound stands at this one place, so that the compiler says only once what is wrong with a type.
#[must_use]
pub const fn parameter<'a, T: FromContext<'a>>(name: &'static str) -> Typed<'a, T> {
    // Written out, as the compiler evaluates this for each parameter.
    let declared = Parameter { name, check: T::check, waits_for_customer: T::WAITS_FOR_CUSTOMER };
    Typed { declared, signals: T::SIGNALS, from_context: T::from_context }
}

/// What is known of a parameter before there is any context, for a receiver that names those signals. One that can't give it
/// is refused.
#[track_caller]
#[must_use]
pub const fn declared<T>(parameter: Typed<'_, T>, signals: &[Signal]) -> Parameter {
    // Most types are given by all.
    if parameter.signals.len() < Signal::ALL.len() {
        constants::given_by(parameter.declared.name, parameter.signals, signals);
    }
    parameter.declared
}

/// Takes the argument for a parameter from the context.
///
/// # Errors
///
/// The type's own rejection, with the receiver and the parameter named.
pub fn argument<'a, T>(parameter: Typed<'a, T>, context: &'a Context<'a>) -> Result<T, BoxError> {
    (parameter.from_context)(context).map_err(|rejection| {
        failed(parameter.declared.name, type_name::<T>(), context, "can't be given", rejection.into())
    })
}

#[cold]
fn failed(name: &str, type_name: &str, context: &Context<'_>, how: &str, cause: BoxError) -> BoxError {
    let receiver = context.receiver();
    let reason = format!("parameter `{name}` ({type_name}) of receiver `{receiver}` {how}");
    Rejection::new(reason).caused_by(cause).into()
}

/// What a plain function takes its arguments from.
pub type ContextRef<'a> = &'a Context<'a>;

/// A receiver's function, behind one signature for all.
#[derive(Debug, Clone, Copy)]
pub enum ReceiverFn {
    /// A plain function: no allocation.
    Sync(fn(ContextRef<'_>) -> Outcome),
    /// An async function, whose future is boxed: the context moves into that box.
    Async(fn(Context<'_>) -> BoxFuture<'_, Outcome>),
    /// A plain function that may block its thread.
    Blocking(fn(ContextRef<'_>) -> Outcome),
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
        let message = panic.downcast_ref::<String>().map_or("two lists of receivers in one program", String::as_str);
        format!(
            "{message}: there is more than one athm-core in this program, or another list of that name; \
             `cargo tree --duplicates` shows which crates bring them: have all of them use one version"
        )
    })
}
