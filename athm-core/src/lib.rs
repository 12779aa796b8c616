//! Receivers for ATH Móvil payments: the part of athm that needs no web framework.
//!
//! Web applications depend on `athm-actix`, which re-exports this crate and mounts the routes that the provider's
//! messages come in on. Here is what they have in common with any other program:
//!
//! - [`receiver`]: the attribute that connects a function to [signals](Signal), and what it may ask for
//!   ([`FromContext`]).
//! - [`Athm`]: the handle. It takes messages in ([`receive`](Athm::receive)), asks the provider whether they are true,
//!   records what is new and has the receivers run.
//! - [`Transaction`], [`Status`], [`Amount`]: a payment, and how it moves from state to state.
//! - [`Dispatcher`]: signals without any of that, now and here, as Django's `send_robust`.
//! - [`provider`]: the client of the provider's API.
//! - [`guide`]: pages that explain it all from beginning to end; start with
//!   [Writing receivers](guide::writing_receivers).
//! - [`testing`]: sample payments, one receiver alone, a recorder: for your tests.
//!
//! ```standalone_crate
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use athm_core::{Athm, Message, MessageResult, Sender, Transaction, receiver};
//!
//! #[receiver(completed)]
//! fn fulfil(transaction: &Transaction) {
//!     println!("{} was paid: {}", transaction.metadata_1(), transaction.total());
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let database = format!("sqlite://{}", folder.path().join("athm.db").display());
//! let athm = Athm::builder().database_url(database).trust_callbacks().start().await?; // a test: nothing is verified
//! let body = br#"{"status": "completed", "referenceNumber": "12-ab", "total": "25.00", "metadata1": "order-7"}"#;
//! let callback = Message::parse("application/json", body)?;
//!
//! assert_eq!(athm.receive(callback, Sender::CALLBACK, body.to_vec()).await?, MessageResult::Recorded);
//! athm.idle().await; // `fulfil` has run
//! # athm.shutdown(std::time::Duration::from_secs(1)).await;
//! # Ok(()) }
//! ```

// Without a backend nothing is stored, and nothing reads what would be.
#![cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code, unused_variables, unused_imports))]

// What `#[receiver]` expands to names `::athm_core`, also within this crate.
extern crate self as athm_core;

// Top layer first: a module uses only modules on lines below its own. ARCHITECTURE.md explains them, and a test checks it.

pub mod testing;

pub mod guide;

mod athm;

mod reconcile;

mod sweeper;
mod worker;

mod operations;

mod inbox;

mod store;

mod outbox;

pub mod provider;

mod callback;
mod dispatch;

mod receiver;

mod models;

mod util;

pub use athm_macros::receiver;

pub use self::athm::{
    Athm, Builder, ConfigError, Deliveries, RecordError, Refunds, Replay, StartError, WebhookSecret, WebhookSecretError,
};
pub use self::callback::{FieldError, Message, ParseError};
pub use self::dispatch::{AlreadyConnected, Connection, ConnectionGuard, Dispatcher, Report, ReportEntry};
pub use self::inbox::{MessageResult, VerifyError};
pub use self::models::{
    Amount, AmountError, Customer, DeliveryId, EcommerceId, Event, EventId, IdError, InvalidPayment, InvalidRefund,
    Item, NewPayment, NewRefund, Permanent, PhoneNumber, ReferenceNumber, Refund, RefundId, RefundRecord, RefundState,
    Sender, Signal, Status, Transaction, TransactionBuilder, TransactionId, TransactionKind, Transition,
    UnexpectedTotal, UnknownRefundState, UnknownSignal,
};
pub use self::operations::{OperationError, RefundResolution};
pub use self::outbox::{DeliveryRecord, DeliveryState, UnknownDeliveryState};
pub use self::receiver::{
    Answer, BoxError, Context, Delivery, Failure, FromContext, IntoOutcome, MissingState, Receive, ReceiverError,
    ReceiverInfo, ReceiverOptions, Rejection, State, States,
};
pub use self::reconcile::{Difference, Differs, Missing, Progress, ReconcileError, Reconciled, Reconciliation};
pub use self::store::{Cursor, Page, Recorded, ReplayError, SharedError, StoreError, TransactionQuery};
pub use self::util::clock::Clock;

/// What `#[receiver]` expands to. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use core::result::Result::{Err, Ok};
    pub use core::{concat, module_path};
    pub use futures_util::future::BoxFuture;

    pub use crate::__register as register;
    pub use crate::dispatch::index;
    pub use crate::models::Signal;
    pub use crate::receiver::{
        ATHM_RECEIVERS_V1, Call, Context, Lent, Outcome, Parameter, Receiver, argument, boxed, outcome, parameter,
    };
}
