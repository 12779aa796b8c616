//! The part of athm that needs no web framework.

// What `#[receiver]` expands to names `::athm_core`, also within this crate.
extern crate self as athm_core;

mod amount;
mod athm;
mod callback;
mod clock;
mod delivery;
mod dispatch;
mod event;
mod id;
mod processor;
pub mod provider;
mod receiver;
mod sender;
mod signal;
mod store;
mod text;
mod transaction;

pub use athm_macros::receiver;

pub use self::amount::{Amount, AmountError};
pub use self::athm::{Athm, Builder, ConfigError, OperationError, RecordError, StartError, VerifyError};
pub use self::callback::{Callback, FieldError, ParseError};
pub use self::clock::Clock;
pub use self::dispatch::{AlreadyConnected, Dispatcher, Failure, ReceiverInfo, Report, ReportEntry};
pub use self::event::Event;
pub use self::id::{DeliveryId, EcommerceId, EventId, IdError, ReferenceNumber, TransactionId};
pub use self::processor::Receipt;
pub use self::receiver::{BoxError, Context, FromContext, IntoOutcome, MissingState, Rejection, State, States};
pub use self::sender::Sender;
pub use self::signal::{Signal, UnknownSignal};
pub use self::store::{Check, Cursor, Page, Recorded, StoreError, TransactionQuery};
pub use self::transaction::{
    Customer, InvalidPayment, Item, NewPayment, Refund, Status, Transaction, TransactionBuilder, TransactionKind,
    Transition, UnexpectedTotal,
};

/// What `#[receiver]` expands to. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use linkme;

    pub use crate::receiver::{ATHM_RECEIVERS_V1, Call, Outcome, Parameter, Receiver, argument};
}
