//! Between rows and what they mean.

use std::error::Error;
use std::str::FromStr;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use super::fault::Unreadable;
use crate::models::{
    Amount, Customer, Event, Intent, Item, RefundRecord, Sender, Transaction, TransactionId, UnresolvedOperation,
};
use crate::outbox::{DeliveryRecord, NewDelivery};
use crate::store::transition_key::transition;
use crate::store::{InboxMessage, InboxState};

pub(super) type Result<T> = std::result::Result<T, Unreadable>;

/// Reads a row's columns one after another, in the order in which they were selected.
pub(super) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn get<T: FromSqlOwned>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.try_get(self.next - 1).map_err(|error| self.unreadable(error))
    }

    fn id<T: From<Uuid>>(&mut self) -> Result<T> {
        self.get::<Uuid>().map(T::from)
    }

    fn cents(&mut self) -> Result<Amount> {
        self.get().map(Amount::from_cents)
    }

    fn count(&mut self) -> Result<u32> {
        self.get::<i32>()?.try_into().map_err(|error| self.unreadable(error))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp> {
        self.get()
    }

    pub(super) fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        self.get()
    }

    fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(&mut self) -> Result<T> {
        let text: String = self.get()?;
        text.parse().map_err(|error| self.unreadable(error))
    }

    fn maybe_parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(&mut self) -> Result<Option<T>> {
        let text: Option<String> = self.get()?;
        text.map(|text| text.parse()).transpose().map_err(|error| self.unreadable(error))
    }

    /// The column that was read last holds what no athm has written.
    fn unreadable(&self, error: impl Error + Send + Sync + 'static) -> Unreadable {
        Unreadable { column: self.next - 1, source: error.into() }
    }

    /// Columns of `select_transaction!`; the customer and the items are elsewhere.
    pub(super) fn transaction(&mut self) -> Result<Transaction> {
        Ok(Transaction {
            id: self.id()?,
            kind: self.parsed()?,
            status: self.parsed()?,
            ecommerce_id: self.get::<Option<Uuid>>()?.map(Into::into),
            reference_number: self.maybe_parsed()?,
            daily_transaction_id: self.get()?,
            total: self.cents()?,
            subtotal: self.cents()?,
            tax: self.cents()?,
            fee: self.cents()?,
            net_amount: self.cents()?,
            refunded_amount: self.cents()?,
            metadata_1: self.get()?,
            metadata_2: self.get()?,
            date: self.maybe_time()?,
            deadline: self.maybe_time()?,
            verified: self.get()?,
            problem: self.get()?,
            created_at: self.time()?,
            updated_at: self.time()?,
            items: Vec::new(),
            customer: None,
        })
    }

    pub(super) fn item(&mut self) -> Result<Item> {
        Ok(Item {
            name: self.get()?,
            description: self.get()?,
            quantity: self.parsed()?,
            price: self.cents()?,
            tax: self.cents()?,
            metadata: self.get()?,
            sku: self.get()?,
        })
    }

    pub(super) fn customer(&mut self) -> Result<Customer> {
        Ok(Customer { name: self.get()?, phone: self.get()?, email: self.get()?, message: self.get()? })
    }

    pub(super) fn event(&mut self) -> Result<Event> {
        let (id, transaction_id) = (self.id()?, self.id()?);
        let key: String = self.get()?;
        let refund_amount = self.get::<Option<i64>>()?.map(Amount::from_cents);
        let transition = transition(&key, refund_amount).map_err(|error| self.unreadable(error))?;
        let sender = Sender::new(self.get::<String>()?);
        Ok(Event { id, transaction_id, transition, sender, rejection: self.get()?, created_at: self.time()? })
    }

    pub(super) fn planned(&mut self) -> Result<NewDelivery> {
        Ok(NewDelivery { id: self.id()?, signal: self.parsed()?, receiver: self.get()? })
    }

    /// The attempts that were begun, and whether it is a replay.
    pub(super) fn attempts(&mut self) -> Result<(u32, bool)> {
        Ok((self.count()?, self.get()?))
    }

    pub(super) fn delivery(&mut self) -> Result<DeliveryRecord> {
        Ok(DeliveryRecord {
            id: self.id()?,
            event_id: self.id()?,
            transaction_id: self.id()?,
            signal: self.parsed()?,
            receiver: self.get()?,
            state: self.parsed()?,
            attempts: self.count()?,
            is_replay: self.get()?,
            due_at: self.time()?,
            error: self.get()?,
        })
    }

    /// A payment whose batch has come, and how often it had one.
    pub(super) fn batch(&mut self) -> Result<(TransactionId, u32)> {
        Ok((self.id()?, self.count()?))
    }

    pub(super) fn refund(&mut self) -> Result<RefundRecord> {
        Ok(RefundRecord {
            id: self.id()?,
            transaction_id: self.id()?,
            amount: self.cents()?,
            state: self.parsed()?,
            total_refunded: self.get::<Option<i64>>()?.map(Amount::from_cents),
            is_ours: self.get()?,
            reference_number: self.maybe_parsed()?,
            daily_transaction_id: self.get()?,
            date: self.maybe_time()?,
            created_at: self.time()?,
        })
    }

    pub(super) fn intent(&mut self) -> Result<Intent> {
        Ok(Intent { operation: self.parsed()?, is_under_way: self.get()?, ends_at: self.time()? })
    }

    pub(super) fn unresolved(&mut self) -> Result<UnresolvedOperation> {
        let (intent, transaction) = (self.get()?, self.id()?);
        Ok(UnresolvedOperation { intent, transaction, operation: self.parsed()?, attempts: self.count()? })
    }

    pub(super) fn pending(&mut self) -> Result<InboxMessage> {
        Ok(InboxMessage {
            id: self.get()?,
            key: self.maybe_parsed()?,
            kind: self.maybe_parsed()?,
            status: self.maybe_parsed()?,
            refunded: self.get::<Option<i64>>()?.map(Amount::from_cents),
            version: self.get()?,
            sender: Sender::new(self.get::<String>()?),
            body: self.get()?,
            state: InboxState::Pending { attempts: self.count()?, due_at: self.time()? },
            received_at: self.time()?,
        })
    }
}
