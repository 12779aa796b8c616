//! Receivers for ATH Móvil payments: the part of athm that needs no web framework.
//!
//! Web applications depend on `athm-actix`, which re-exports this crate and mounts the routes that the provider's
//! messages come in on. Here is what they have in common with any other program:
//!
//! - [`receiver`]: the attribute that connects a function to [signals](Signal), and what it may ask for
//!   ([`FromContext`]).
//! - [`Athm`]: the handle. It takes messages in ([`receive`](Athm::receive)), asks the provider about the payments that
//!   they name, records the answers and runs the receivers.
//! - [`Transaction`], [`Status`], [`Amount`]: a payment, and how it moves from state to state.
//! - [`dispatch`]: signals without a database, in this process, as Django's `send_robust`.
//! - [`deliveries`], [`refunds`], [`reconcile`], [`transactions`]: what is recorded.
//! - [`checkouts`]: what a customer is asked to pay on a page.
//! - [`messages`]: what was posted, as it came.
//! - [`problems`]: what needs a person, of every sort.
//! - [`sql`]: what commits with a database transaction of your own.
//! - [`errors`] and [`ids`]: the error types and the id types.
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
#![cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, unreachable_code, unused_variables, unused_imports)
)]

// What `#[receiver]` expands to names `::athm_core`, also within this crate.
extern crate self as athm_core;

// Top layer first: a module uses only modules on lines below its own. ARCHITECTURE.md explains them, and a test checks it.

pub mod testing;

pub mod guide;

mod athm;

pub mod reconcile;

mod checkout;
mod sweeper;
mod worker;

mod operations;

mod inbox;

mod store;

mod outbox;

pub mod provider;

mod callback;
pub mod dispatch;

mod receiver;

mod models;

mod util;

pub use athm_macros::receiver;
pub use {jiff, secrecy};

pub use self::athm::{Athm, AthmBuilder, WebhookSecret};
pub use self::callback::Message;
pub use self::inbox::MessageResult;
pub use self::models::{
    Amount, Customer, Item, NewPayment, NewRefund, Permanent, PhoneNumber, Refund, RetryAfter, Sender, Signal, Status,
    Transaction, TransactionKind, UnexpectedTotal,
};
pub use self::receiver::{BoxError, Context, Delivery, FromContext, Rejection, State};

/// The error types of every area, except those of the [`provider`].
pub mod errors {
    pub use crate::athm::{ConfigError, CredentialError, RecordError, StartError, WebhookSecretError};
    pub use crate::callback::{FieldError, ParseError};
    pub use crate::dispatch::already_connected::AlreadyConnected;
    pub use crate::inbox::{ReprocessError, VerifyError};
    pub use crate::models::{AmountError, IdError, InvalidPayment, InvalidRefund, UnknownRefundState, UnknownSignal};
    pub use crate::operations::OperationError;
    pub use crate::outbox::UnknownDeliveryState;
    pub use crate::receiver::{MissingState, ReceiverError};
    pub use crate::reconcile::error::ReconcileError;
    pub use crate::store::{
        CompletionError, DismissError, ReplayError, SharedError, StoreError, UnknownMessageState, UnknownProblemKind,
    };
}

/// Your own database transactions, and what of athm's commits with them ([`Delivery::complete_in`]).
pub mod sql {
    pub use crate::athm::PaymentIntent;
    pub use crate::models::{IntentState, UnknownIntentState};
    pub use crate::store::Completion;
    pub use crate::store::own_transaction::SqlTransaction;
}

/// Durable deliveries: list and count them, run some again, dismiss those that need nothing ([`Athm::deliveries`]).
pub mod deliveries {
    pub use crate::athm::{Deliveries, Replay, ReplayAll, ReplayProgress, ReplayedAll};
    pub use crate::outbox::{AttemptRecord, DeliveryRecord, DeliveryState};
    pub use crate::store::{DeliveryCounts, DeliveryPage, DeliveryQuery};
}

/// Messages as they came: list them, and run one again ([`Athm::messages`]).
pub mod messages {
    pub use crate::athm::Messages;
    pub use crate::callback::Envelope;
    pub use crate::store::{MessageCursor, MessagePage, MessageQuery, MessageState, StoredMessage};
}

/// Recorded refunds: list those of a payment, and resolve those whose outcome is unknown ([`Athm::refunds`]).
pub mod refunds {
    pub use crate::athm::Refunds;
    pub use crate::models::{RefundRecord, RefundState};
    pub use crate::operations::RefundResolution;
}

/// What a person must look at, listed and counted ([`Athm::problems`]), and reported ([`AthmBuilder::on_alert`]).
pub mod problems {
    pub use crate::athm::Problems;
    pub use crate::store::{Alert, Problem, ProblemCounts, ProblemKind};
}

/// Checkouts: what a customer is asked to pay on a page, and how that stands ([`Athm::checkout`]).
pub mod checkouts {
    pub use crate::athm::Checkouts;
    pub use crate::checkout::{CheckoutError, PayCheckout};
    pub use crate::models::{Checkout, CheckoutId, CheckoutState, InvalidCheckout, NewCheckout};
    pub use crate::provider::Language;
}

/// Recorded payments: queries, pages, refreshes, events, and a builder of transactions.
pub mod transactions {
    pub use crate::athm::Refresh;
    pub use crate::models::{Event, TransactionBuilder, Transition};
    pub use crate::store::{Cursor, DamagedRow, Page, Recorded, TransactionQuery};
}

/// The ids of payments, events, deliveries and refunds.
pub mod ids {
    pub use crate::models::{DeliveryId, EcommerceId, EventId, MessageId, ReferenceNumber, RefundId, TransactionId};
}

/// What `#[receiver]` expands to. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use core::result::Result::{Err, Ok};
    pub use core::{concat, module_path};
    pub use futures_util::future::BoxFuture;

    pub use athm_macros::actix_receiver;

    pub use crate::dispatch::registry::index;
    pub use crate::models::Signal;
    pub use crate::receiver::{
        ATHM_RECEIVERS_V1, CANCELLED, COMPLETED, Context, ContextRef, EXPIRED, Outcome, Parameter, RECEIVED, REFUNDED,
        Receiver, SenderName, argument, async_receiver, attempts, backoff, blocking_receiver, boxed, concurrency,
        declared, declared_loaded, id, load, loaded, outcome, parameter, sync_receiver, timeout, was,
    };
}
