//! What may stand in a receiver's parameter list.

use std::borrow::Cow;
use std::fmt;

use super::{BoxError, Context, MissingState, States};
use crate::models::{Event, Refund, Sender, Signal, Transaction};

/// A type that a receiver may have as a parameter.
///
/// athm's own are [`&Transaction`](Transaction), [`&Customer`](crate::models::Customer), [`&Refund`](Refund),
/// [`&Event`](Event), [`Signal`], [`&Sender`](Sender), [`Delivery`](super::Delivery), [`Athm`](crate::Athm) and
/// [`State<T>`](super::State).
/// Implement it for what your receivers often take from these:
///
/// ```
/// use athm_core::{Context, FromContext, Rejection, receiver};
///
/// struct OrderNumber(u32);
///
/// impl FromContext<'_> for OrderNumber {
///     fn from_context(context: &Context<'_>) -> Result<Self, Rejection> {
///         let metadata = context.transaction().metadata_1();
///         let digits = metadata.strip_prefix("order-").unwrap_or(metadata);
///         digits.parse().map(Self).map_err(|_| Rejection::new(format!("{metadata:?} names no order")))
///     }
/// }
///
/// #[receiver(completed)]
/// fn fulfil(OrderNumber(number): OrderNumber) {
///     println!("order {number} is paid");
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a receiver's parameter",
    label = "a receiver can't take this",
    note = "a receiver takes `&Transaction`, `&Customer`, `&Refund`, `&Event`, `Signal`, `&Sender`, `Delivery`, `Athm`, `State<T>`, in an async function `Loaded<T>`, and types that implement `FromContext`"
)]
pub trait FromContext<'a>: Sized {
    /// The signals that bring it: all, unless it says otherwise. A receiver that asks for it and names another one doesn't
    /// compile; it may ask for an `Option` of it.
    ///
    /// A type that asks for a [`&Refund`](Refund) within `from_context` has `[Signal::Refunded]` here.
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    /// Whether a delivery waits until the provider has named the customer: it doesn't, unless the type says otherwise.
    ///
    /// A type that asks for a [`&Customer`](crate::models::Customer) within `from_context` has `true` here. The delivery waits
    /// where the signal is `completed` or `refunded`, for half a day at most.
    const WAITS_FOR_CUSTOMER: bool = false;

    /// Takes the value from the context.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] when the context doesn't hold it: the receiver isn't called, and its delivery has failed.
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection>;

    /// Checks, as `Athm` starts, that what this needs was given to the builder.
    ///
    /// A type that asks for a [`State`](super::State) within `from_context` passes the check on to it.
    ///
    /// # Errors
    ///
    /// [`MissingState`] names what wasn't given: `start` refuses.
    fn check(states: &States) -> Result<(), MissingState> {
        let _ = states;
        Ok(())
    }
}

impl<'a> FromContext<'a> for &'a Transaction {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(context.signal_context.transaction)
    }
}

impl<'a> FromContext<'a> for &'a Refund {
    const SIGNALS: &'static [Signal] = &[Signal::Refunded];

    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        const BY_HAND: &str = "a dispatch by hand knows no refund, only the transaction: have the refund recorded, with \
            `Athm::record`, or ask the transaction for its `refunded_amount`";
        const NO_REFUND: &str = "nothing was refunded: name the signal `refunded` alone";

        context
            .refund()
            .ok_or_else(|| Rejection::new(if context.signal_context.delivery.is_some() { NO_REFUND } else { BY_HAND }))
    }
}

impl<'a> FromContext<'a> for &'a Event {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        const BY_HAND: &str = "a dispatch by hand records no event: have the payment recorded, with `Athm::record`, or take \
            an `Option<&Event>`";

        context.event().ok_or(Rejection::new(BY_HAND))
    }
}

impl<'a> FromContext<'a> for Signal {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(context.signal_context.signal)
    }
}

impl<'a> FromContext<'a> for &'a Sender {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(context.signal_context.sender)
    }
}

impl<'a> FromContext<'a> for &'a Context<'a> {
    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(context)
    }
}

/// `None` where the context doesn't hold it: a `Refund` where nothing was refunded, a `State` that wasn't given. A delivery
/// waits for an `Option<&Customer>` as it waits for a `&Customer`.
impl<'a, T: FromContext<'a>> FromContext<'a> for Option<T> {
    const WAITS_FOR_CUSTOMER: bool = T::WAITS_FOR_CUSTOMER;

    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(T::from_context(context).ok())
    }
}

/// The rejection itself, where the receiver is to decide what it means.
impl<'a, T: FromContext<'a>> FromContext<'a> for Result<T, Rejection> {
    const WAITS_FOR_CUSTOMER: bool = T::WAITS_FOR_CUSTOMER;

    fn from_context(context: &'a Context<'a>) -> Result<Self, Rejection> {
        Ok(T::from_context(context))
    }
}

/// A refusal, with its reason: of a parameter that the context doesn't hold, or of a transaction by a check.
///
/// ```
/// use athm_core::Rejection;
///
/// assert_eq!(Rejection::new("the shop is closed").to_string(), "the shop is closed");
/// ```
pub struct Rejection {
    reason: Cow<'static, str>,
    source: Option<BoxError>,
}

impl Rejection {
    /// A refusal for that reason, which is recorded and logged: put nothing personal into it.
    #[must_use]
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), source: None }
    }

    /// The same refusal, with the error that caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection").field("reason", &self.reason).field("source", &self.source).finish()
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
