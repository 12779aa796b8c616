//! What a payment is and how it changes: types and pure rules, without I/O.
//!
//! [`Transaction`](transaction) is one payment; [`Transaction::apply`](transaction) is the only function that moves it from
//! state to state. [`refund`] keeps the ledger of its refunds, and [`operation`] says when a call that may move money is
//! allowed.

mod amount;
mod checkout;
mod customer;
mod event;
mod ids;
mod item;
mod kind;
mod language;
mod new_payment;
pub(crate) mod operation;
pub(crate) mod payment_intent;
mod payment_key;
mod permanent;
mod phone;
pub(crate) mod refund;
mod retry_after;
mod sender;
mod signal;
mod status;
mod transaction;

pub(crate) use self::amount::decimal;
pub use self::amount::{Amount, AmountError};
pub(crate) use self::checkout::{
    BeginPayment, BeginPush, CheckoutAttempt, NotBegun, PushCounts, PushLimits, StartedAttempt, StoredItems,
};
pub use self::checkout::{Checkout, CheckoutId, CheckoutState, InvalidCheckout, NewCheckout};
pub use self::customer::Customer;
pub use self::event::Event;
pub use self::ids::{DeliveryId, EcommerceId, EventId, IdError, MessageId, ReferenceNumber, RefundId, TransactionId};
pub use self::item::Item;
pub use self::kind::TransactionKind;
pub use self::language::Language;
pub use self::new_payment::{InvalidPayment, NewPayment};
pub(crate) use self::operation::{
    AttemptKind, BeginError, BeginOperation, BeginResult, Initiator, LockedPayment, Operation, OperationIntent,
    OperationOutcome, OperationResult, StartedOperation, UnresolvedOperation,
};
pub use self::payment_intent::{IntentState, UnknownIntentState};
pub(crate) use self::payment_key::PaymentKey;
pub use self::permanent::Permanent;
pub use self::phone::PhoneNumber;
pub use self::refund::{InvalidRefund, NewRefund, Refund, RefundRecord, RefundState, UnknownRefundState};
pub(crate) use self::refund::{
    RefundCandidate, RefundDetail, RefundLedger, RefundStatement, RefundStatements, ReportedRefund, attribute,
};
pub use self::retry_after::RetryAfter;
pub use self::sender::Sender;
pub use self::signal::{Signal, UnknownSignal};
pub use self::status::Status;
pub(crate) use self::transaction::FiredTransitions;
pub use self::transaction::{Transaction, TransactionBuilder, Transition, UnexpectedTotal};
