//! Parameters that load asynchronously.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::linked::Typed;
use super::{BoxError, Context, MissingState, Parameter, Rejection, States, declared};
use crate::models::Signal;

/// A type of the program's own that an async receiver takes loaded, as [`Loaded<T>`](Loaded): its order, from its database.
///
/// It is loaded before the receiver is called, as a part of the attempt: within its timeout, and again on each attempt. An error
/// is the receiver's failure. One that is [`Permanent`](crate::Permanent) makes the delivery dead at once, and a
/// [`RetryAfter`](crate::RetryAfter) has it wait.
///
/// ```
/// use athm_core::dispatch::{Load, Loaded, States};
/// use athm_core::errors::MissingState;
/// use athm_core::{BoxError, Context, FromContext, Permanent, State, receiver};
///
/// # struct Shop; impl Shop { async fn order(&self, _: &str) -> Result<Option<Order>, std::io::Error> { Ok(None) } }
/// struct Order {
///     email: String,
/// }
///
/// impl Load for Order {
///     async fn load(context: &Context<'_>) -> Result<Self, BoxError> {
///         let State(shop) = State::<Shop>::from_context(context)?;
///         let order = shop.order(context.transaction().metadata_1()).await?;
///         Ok(order.ok_or_else(|| Permanent::new("there is no such order"))?)
///     }
///
///     fn check(states: &States) -> Result<(), MissingState> {
///         State::<Shop>::check(states)
///     }
/// }
///
/// #[receiver(completed)]
/// async fn thank(Loaded(order): Loaded<Order>) {
///     println!("thank you, {}", order.email);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be loaded",
    label = "a receiver can't take this",
    note = "implement `athm_core::dispatch::Load` for it"
)]
pub trait Load: Sized + Send {
    /// The signals that bring it: all, unless it says otherwise, as [`FromContext::SIGNALS`](crate::FromContext::SIGNALS).
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    /// Whether it needs the customer, as [`FromContext::WAITS_FOR_CUSTOMER`](crate::FromContext::WAITS_FOR_CUSTOMER).
    const WAITS_FOR_CUSTOMER: bool = false;

    /// Loads the value. Write it as an `async fn`: `?` takes any error.
    fn load(context: &Context<'_>) -> impl Future<Output = Result<Self, BoxError>> + Send;

    /// Checks, as `Athm` starts, that what this needs was given to the builder.
    ///
    /// # Errors
    ///
    /// [`MissingState`] names what wasn't given: `start` refuses.
    fn check(states: &States) -> Result<(), MissingState> {
        let _ = states;
        Ok(())
    }
}

/// A parameter of an async receiver that is loaded before it is called. See [`Load`].
///
/// ```
/// use athm_core::dispatch::{Load, Loaded};
/// use athm_core::{BoxError, Context, receiver};
///
/// struct Receipt(Vec<u8>);
///
/// impl Load for Receipt {
///     async fn load(context: &Context<'_>) -> Result<Self, BoxError> {
///         # mod tokio_fs { pub async fn read(_: String) -> std::io::Result<Vec<u8>> { Ok(Vec::new()) } }
///         # use tokio_fs as fs;
///         Ok(Self(fs::read(format!("receipts/{}.pdf", context.transaction().id())).await?))
///     }
/// }
///
/// #[receiver(completed)]
/// async fn send(Loaded(receipt): Loaded<Receipt>) {
///     println!("{} bytes", receipt.0.len());
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Loaded<T>(pub T);

/// A [`Loaded`], as the attribute sees it: by its own name.
#[diagnostic::do_not_recommend]
impl<T: Load> LoadedParameter for Loaded<T> {
    type Value = T;

    fn of(value: T) -> Self {
        Self(value)
    }
}

/// What is loaded for a parameter.
pub trait LoadedParameter: Sized + Send {
    type Value: Load;

    fn of(value: Self::Value) -> Self;
}

/// A parameter with its type, as it is declared to the start and loaded.
#[derive(Debug)]
pub struct LoadedTyped<'a, T> {
    typed: Typed<'a, T>,
    load: fn(&'a Context<'a>) -> BoxFuture<'a, Result<T, BoxError>>,
}

/// A parameter of that type. The bound stands at this one place, so that the compiler says only once what is wrong with a type.
#[must_use]
pub const fn loaded<'a, T: LoadedParameter>(name: &'static str) -> LoadedTyped<'a, T> {
    let (check, signals) = (<T::Value as Load>::check, <T::Value as Load>::SIGNALS);
    let waits_for_customer = <T::Value as Load>::WAITS_FOR_CUSTOMER;
    let typed = Typed::new(name, check, signals, waits_for_customer, |_| Err(Rejection::new("it isn't loaded")));
    LoadedTyped { typed, load: boxed_load }
}

fn boxed_load<'a, T: LoadedParameter>(context: &'a Context<'a>) -> BoxFuture<'a, Result<T, BoxError>> {
    async move { T::Value::load(context).await.map(T::of) }.boxed()
}

/// As [`declared`](super::declared).
#[track_caller]
#[must_use]
pub const fn declared_loaded<T>(parameter: LoadedTyped<'_, T>, signals: &[Signal]) -> Parameter {
    declared(parameter.typed, signals)
}

/// Loads the argument for a parameter.
///
/// # Errors
///
/// The type's own error, with the receiver and the parameter named.
pub async fn load<'a, T>(parameter: LoadedTyped<'a, T>, context: &'a Context<'a>) -> Result<T, BoxError> {
    let loaded = (parameter.load)(context).await;
    loaded.map_err(|error| parameter.typed.failed(context, "couldn't be loaded", error))
}
