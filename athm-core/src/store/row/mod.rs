//! Between a row's columns and the values that they hold, for both backends.
//!
//! A mapping reads columns one after another, in the order of its list of columns, which it names: the lists are in
//! `select.rs`. A backend implements the getters of [`Columns`]; the mappings are default methods.

mod select;

use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

#[cfg(feature = "sqlite")]
pub(super) use self::select::select_claimable;
pub(super) use self::select::{
    alert_columns, attempt_columns, checkout_columns, claim_columns, copy_columns, count_deliveries, customer_columns,
    event_columns, intent_columns, is_ordinary, is_suspect, item_columns, message_columns, new_payment_columns,
    payment_intent_columns, poll_columns, select_attempt, select_copies, select_delivery, select_event, select_refund,
    select_transaction, transaction_columns, unresolved_columns,
};
use super::transition_key::transition;
use super::{Alert, InboxMessage, InboxState, Problem, ProblemKind, StoredMessage};
use crate::models::payment_intent::StoredIntent;
use crate::models::{
    Amount, Checkout, CheckoutAttempt, Customer, Event, Item, NewPayment, OperationIntent, RefundRecord, Sender,
    StoredItems, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{AttemptRecord, ClaimableDelivery, DeliveryRecord, DeliveryState, NewDelivery};

/// Reads a row's columns from left to right.
pub(super) trait Columns: Sized {
    type Error;

    fn uuid(&mut self) -> Result<Uuid, Self::Error>;
    fn maybe_uuid(&mut self) -> Result<Option<Uuid>, Self::Error>;
    fn text(&mut self) -> Result<String, Self::Error>;
    fn maybe_text(&mut self) -> Result<Option<String>, Self::Error>;
    fn bytes(&mut self) -> Result<Vec<u8>, Self::Error>;
    fn integer(&mut self) -> Result<i64, Self::Error>;
    fn maybe_integer(&mut self) -> Result<Option<i64>, Self::Error>;
    /// A small number that is never negative: of attempts, for example.
    fn count(&mut self) -> Result<u32, Self::Error>;
    fn boolean(&mut self) -> Result<bool, Self::Error>;
    fn time(&mut self) -> Result<Timestamp, Self::Error>;
    fn maybe_time(&mut self) -> Result<Option<Timestamp>, Self::Error>;

    /// The column that was read last holds what no version of athm has written.
    fn unreadable(&self, error: impl Error + Send + Sync + 'static) -> Self::Error;

    fn id<T: From<Uuid>>(&mut self) -> Result<T, Self::Error> {
        self.uuid().map(T::from)
    }

    fn amount(&mut self) -> Result<Amount, Self::Error> {
        self.integer().map(Amount::from_cents)
    }

    fn maybe_amount(&mut self) -> Result<Option<Amount>, Self::Error> {
        Ok(self.maybe_integer()?.map(Amount::from_cents))
    }

    fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(&mut self) -> Result<T, Self::Error> {
        self.text()?.parse().map_err(|error| self.unreadable(error))
    }

    fn maybe_parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(&mut self) -> Result<Option<T>, Self::Error> {
        self.maybe_text()?.map(|text| text.parse()).transpose().map_err(|error| self.unreadable(error))
    }

    /// `transaction_columns!`. Items and customer are in tables of their own.
    fn transaction(&mut self) -> Result<Transaction, Self::Error> {
        Ok(Transaction {
            id: self.id()?,
            kind: self.parsed()?,
            status: self.parsed()?,
            ecommerce_id: self.maybe_uuid()?.map(Into::into),
            reference_number: self.maybe_parsed()?,
            daily_transaction_id: self.maybe_text()?,
            total: self.amount()?,
            subtotal: self.amount()?,
            tax: self.amount()?,
            fee: self.amount()?,
            net_amount: self.amount()?,
            refunded_amount: self.amount()?,
            metadata_1: self.text()?,
            metadata_2: self.text()?,
            date: self.maybe_time()?,
            deadline: self.maybe_time()?,
            verified: self.boolean()?,
            problem: self.maybe_text()?,
            created_at: self.time()?,
            updated_at: self.time()?,
            expected_total: self.maybe_amount()?,
            accepted_total: self.maybe_amount()?,
            items: Vec::new(),
            customer: None,
        })
    }

    /// `item_columns!`.
    fn item(&mut self) -> Result<Item, Self::Error> {
        Ok(Item {
            name: self.text()?,
            description: self.text()?,
            quantity: self.parsed()?,
            price: self.amount()?,
            tax: self.amount()?,
            metadata: self.text()?,
            sku: self.text()?,
        })
    }

    /// `customer_columns!`.
    fn customer(&mut self) -> Result<Customer, Self::Error> {
        let (name, phone) = (self.maybe_text()?, self.maybe_text()?);
        Ok(Customer { name, phone, email: self.maybe_text()?, message: self.maybe_text()? })
    }

    /// `event_columns!`.
    fn event(&mut self) -> Result<Event, Self::Error> {
        let (id, transaction_id) = (self.id()?, self.id()?);
        let key = self.text()?;
        let refund_amount = self.maybe_amount()?;
        let transition = transition(&key, refund_amount).map_err(|error| self.unreadable(error))?;
        let sender = Sender::new(self.text()?);
        Ok(Event { id, transaction_id, transition, sender, rejection: self.maybe_text()?, created_at: self.time()? })
    }

    /// `claim_columns!`.
    fn claimable(&mut self) -> Result<ClaimableDelivery, Self::Error> {
        let (id, signal, receiver) = (self.id()?, self.parsed()?, self.text()?);
        Ok(ClaimableDelivery {
            delivery: NewDelivery { id, signal, receiver, waits_for_customer: false },
            attempts: self.count()?,
            is_replay: self.boolean()?,
            is_left_behind: self.boolean()?,
            interruptions: self.count()?,
            waited: Duration::from_millis(self.integer()?.unsigned_abs()),
        })
    }

    /// The columns of `select_delivery!`.
    fn delivery(&mut self) -> Result<DeliveryRecord, Self::Error> {
        Ok(DeliveryRecord {
            id: self.id()?,
            event_id: self.id()?,
            transaction_id: self.id()?,
            signal: self.parsed()?,
            receiver: self.text()?,
            state: self.parsed()?,
            attempts: self.count()?,
            interruptions: self.count()?,
            is_replay: self.boolean()?,
            due_at: self.time()?,
            waits_for_customer: self.boolean()?,
            error: self.maybe_text()?,
            created_at: self.time()?,
            dismissal: self.maybe_text()?,
        })
    }

    /// `poll_columns!`: the payment, and how many polls it has been given.
    fn poll(&mut self) -> Result<(TransactionId, u32), Self::Error> {
        Ok((self.id()?, self.count()?))
    }

    /// The columns of `select_refund!`.
    fn refund(&mut self) -> Result<RefundRecord, Self::Error> {
        Ok(RefundRecord {
            id: self.id()?,
            transaction_id: self.id()?,
            amount: self.amount()?,
            state: self.parsed()?,
            total_refunded: self.maybe_amount()?,
            is_ours: self.boolean()?,
            reference_number: self.maybe_parsed()?,
            daily_transaction_id: self.maybe_text()?,
            date: self.maybe_time()?,
            created_at: self.time()?,
        })
    }

    /// The columns of `problem::LIST`.
    fn problem(&mut self) -> Result<Problem, Self::Error> {
        Ok(Problem {
            kind: self.parsed()?,
            id: self.uuid()?,
            transaction_id: self.maybe_uuid()?.map(Into::into),
            detail: self.maybe_text()?.unwrap_or_default(),
            created_at: self.time()?,
        })
    }

    /// The columns of `select_attempt!`.
    fn attempt_record(&mut self) -> Result<AttemptRecord, Self::Error> {
        self.uuid()?;
        let (number, started_at, ended_at) = (self.count()?, self.time()?, self.time()?);
        Ok(AttemptRecord { number, started_at, ended_at, process: self.text()?, error: self.maybe_text()? })
    }

    /// A state, and how many deliveries are in it.
    fn delivery_count(&mut self) -> Result<(DeliveryState, u64), Self::Error> {
        Ok((self.parsed()?, self.integer()?.unsigned_abs()))
    }

    /// `alert_columns!`, with the attempts that were made before.
    fn alert(&mut self) -> Result<Alert, Self::Error> {
        Ok(Alert {
            id: self.uuid()?,
            kind: self.parsed()?,
            place: self.text()?,
            transaction_id: self.maybe_uuid()?.map(Into::into),
            detail: self.maybe_text()?.unwrap_or_default(),
            created_at: self.time()?,
            attempt: self.count()?,
        })
    }

    /// The columns of `problem::COUNT`.
    fn problem_count(&mut self) -> Result<(ProblemKind, u64), Self::Error> {
        Ok((self.parsed()?, self.integer()?.unsigned_abs()))
    }

    /// `new_payment_columns!`.
    fn new_payment(&mut self) -> Result<NewPayment, Self::Error> {
        let (idempotency_key, total) = (self.maybe_text()?, self.amount()?);
        let (subtotal, tax, metadata_1) = (self.maybe_amount()?, self.amount()?, self.text()?);
        Ok(NewPayment {
            subtotal,
            tax,
            metadata_2: self.text()?,
            items: self.parsed::<StoredItems>()?.0,
            timeout: Duration::from_secs(self.integer()?.unsigned_abs()),
            idempotency_key,
            ..NewPayment::new(total, metadata_1)
        })
    }

    /// `payment_intent_columns!`.
    fn payment_intent(&mut self) -> Result<StoredIntent, Self::Error> {
        let (id, payment) = (self.id()?, self.new_payment()?);
        let payment = NewPayment { phone: self.maybe_parsed()?, ..payment };
        Ok(StoredIntent {
            id,
            payment,
            state: self.parsed()?,
            attempts: self.count()?,
            due_at: self.time()?,
            deadline: self.time()?,
            error: self.maybe_text()?,
            ecommerce_id: self.maybe_uuid()?.map(Into::into),
        })
    }

    /// `checkout_columns!`. Its payments are in a table of their own.
    fn checkout(&mut self) -> Result<Checkout, Self::Error> {
        let (id, payment, language) = (self.id()?, self.new_payment()?, self.maybe_parsed()?);
        let (return_url, form_token) = (self.maybe_text()?, self.text()?.into());
        let (email, cancelled_at, created_at) = (self.maybe_text()?, self.maybe_time()?, self.time()?);
        let email = email.map(Into::into);
        Ok(Checkout {
            id,
            payment,
            language,
            return_url,
            form_token,
            email,
            cancelled_at,
            created_at,
            // Who reads it for a page says when.
            read_at: created_at,
            attempts: Vec::new(),
        })
    }

    /// `attempt_columns!`. The payment is in a table of its own. `now` is by the clock of the database's deadlines.
    fn attempt(&mut self, now: Timestamp) -> Result<CheckoutAttempt, Self::Error> {
        Ok(CheckoutAttempt {
            id: self.uuid()?,
            number: self.count()?,
            ecommerce_id: self.maybe_uuid()?.map(Into::into),
            phone: self.maybe_parsed()?,
            failure: self.maybe_text()?,
            opened_at: self.time()?,
            is_opening: self.maybe_time()?.is_some_and(|ends_at| now < ends_at),
            payment: None,
        })
    }

    /// `intent_columns!`.
    fn intent(&mut self) -> Result<OperationIntent, Self::Error> {
        Ok(OperationIntent { operation: self.parsed()?, is_under_way: self.boolean()?, ends_at: self.time()? })
    }

    /// `unresolved_columns!`.
    fn unresolved(&mut self) -> Result<UnresolvedOperation, Self::Error> {
        let (intent_id, transaction) = (self.uuid()?, self.id()?);
        Ok(UnresolvedOperation { intent_id, transaction, operation: self.parsed()?, attempts: self.count()? })
    }

    /// `copy_columns!`.
    fn stored_message(&mut self) -> Result<StoredMessage, Self::Error> {
        Ok(StoredMessage {
            id: self.id()?,
            state: self.parsed()?,
            sender: Sender::new(self.text()?),
            content_type: self.maybe_text()?,
            remote_address: self.maybe_text()?,
            size: self.integer()?.unsigned_abs(),
            answer: self.integer()?.try_into().map_err(|error| self.unreadable(error))?,
            reason: self.maybe_text()?,
            transaction_id: self.maybe_uuid()?.map(Into::into),
            received_at: self.time()?,
            body: self.bytes()?,
        })
    }

    /// `message_columns!` of a pending message.
    fn pending_message(&mut self) -> Result<InboxMessage, Self::Error> {
        Ok(InboxMessage {
            id: self.uuid()?,
            key: self.maybe_parsed()?,
            kind: self.maybe_parsed()?,
            status: self.maybe_parsed()?,
            refunded: self.maybe_amount()?,
            refunds: self.maybe_parsed()?.unwrap_or_default(),
            version: self.integer()?,
            sender: Sender::new(self.text()?),
            state: InboxState::Pending { attempts: self.count()?, due_at: self.time()? },
            received_at: self.time()?,
        })
    }
}
