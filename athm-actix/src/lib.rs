//! ATH Móvil payments on actix-web.

// What `#[receiver]` expands to names `::athm_actix`, also within this crate's own examples.
extern crate self as athm_actix;

mod callback;
mod error;
mod handlers;
mod scope;
#[cfg(feature = "simulator")]
pub mod simulator;

pub use athm_core::{
    AlreadyConnected, Amount, AmountError, Athm, BoxError, Builder, Clock, ConfigError, Context, Cursor, Customer,
    DeliveryId, Dispatcher, EcommerceId, Event, EventId, Failure, FieldError, FromContext, IdError, IntoOutcome,
    InvalidPayment, Item, MissingState, NewPayment, OperationError, Page, ParseError, Receipt, ReceiverInfo,
    RecordError, Recorded, ReferenceNumber, Refund, Rejection, Report, ReportEntry, Sender, Signal, StartError, State,
    States, Status, StoreError, Transaction, TransactionBuilder, TransactionId, TransactionKind, TransactionQuery,
    Transition, UnexpectedTotal, VerifyError, provider, receiver,
};

pub use self::callback::{Callback, CallbackConfig};
pub use self::error::Error;
pub use self::scope::{Scope, scope};

#[doc(hidden)]
pub use athm_core::__private;
