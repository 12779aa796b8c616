//! The part of athm that needs no web framework.

// What `#[receiver]` expands to names `::athm_core`, also within this crate.
extern crate self as athm_core;

mod amount;
mod id;
mod receiver;
mod sender;
mod signal;
mod text;
mod transaction;

pub use athm_macros::receiver;

pub use self::amount::{Amount, AmountError};
pub use self::id::{DeliveryId, EcommerceId, EventId, IdError, ReferenceNumber, TransactionId};
pub use self::receiver::{BoxError, Context, FromContext, IntoOutcome, MissingState, ReceiverError, Rejection, State, States};
pub use self::sender::Sender;
pub use self::signal::{Signal, UnknownSignal};
pub use self::transaction::{
    Customer, InvalidPayment, Item, NewPayment, Refund, Status, Transaction, TransactionBuilder, TransactionKind,
    Transition, UnexpectedTotal,
};

/// What `#[receiver]` expands to. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use core::option::Option::Some;
    pub use core::{concat, module_path};

    pub use linkme;

    pub use crate::Signal;
    pub use crate::receiver::{ATHM_RECEIVERS_V1, Call, Outcome, Parameter, Receiver, argument, boxed, outcome};
}
