//! Payments, looked up and listed.

use std::collections::HashMap;

use futures_util::future::try_join;
use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Result;
use super::session::Session;
use super::values::{storable, text, values};
use crate::models::{Customer, Event, Item, PaymentKey, Transaction, TransactionId};
use crate::store::payment_list::PaymentList;
use crate::store::row::{Columns, customer_columns, item_columns, select_event, select_transaction};
use crate::store::{Page, PaymentSelector, TransactionQuery};

const ITEMS: &str = concat!(
    "SELECT transaction_id, ",
    item_columns!(),
    " FROM athm_item i WHERE transaction_id = ANY ($1) ORDER BY transaction_id, position"
);
const CUSTOMERS: &str =
    concat!("SELECT transaction_id, ", customer_columns!(), " FROM athm_customer c WHERE transaction_id = ANY ($1)");

pub(super) async fn find(session: &Session, selector: PaymentSelector) -> Result<Option<Transaction>> {
    let found = match selector {
        PaymentSelector::Id(id) => by_id(session, id).await?,
        PaymentSelector::Key(PaymentKey::Ecommerce(id)) => {
            let sql = select_transaction!("FROM athm_transaction t WHERE t.ecommerce_id = $1");
            session.all(sql, values![*id.as_uuid()], |row| row.transaction()).await?
        }
        PaymentSelector::Key(PaymentKey::Reference(reference)) => {
            let sql = select_transaction!("FROM athm_transaction t WHERE t.reference_number = $1");
            session.all(sql, values![reference.as_str()], |row| row.transaction()).await?
        }
    };
    Ok(with_details(session, found).await?.pop())
}

pub(super) async fn by_id(session: &Session, id: TransactionId) -> Result<Vec<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = $1");
    session.all(sql, values![*id.as_uuid()], |row| row.transaction()).await
}

pub(super) async fn list_payments(session: &Session, query: &TransactionQuery) -> Result<Page> {
    let PaymentList { sql, by, filters } = PaymentList::of(query);
    let by = by.map(text);
    let filters = filters.map(|filter| filter.map(text));
    let since = storable(query.since.unwrap_or(Timestamp::MIN));
    let until = query.until.map_or(Timestamp::MAX, storable);
    let after = query.after.map_or(Timestamp::MAX, |cursor| storable(cursor.created_at));
    let after_id = query.after.map_or(Uuid::max(), |cursor| *cursor.id.as_uuid());
    let size = query.page_size();
    let mut limit = size + 1;
    loop {
        let mut values = values![&by, since, until, after, after_id];
        for filter in &filters {
            values.extend(values![filter]);
        }
        values.extend(values![i64::from(limit)]);
        let (found, damaged) = session.readable("athm_transaction", sql, values, |row| row.transaction()).await?;
        let is_last = found.len() + damaged.len() < limit as usize;
        let found = with_readable_details(session, found).await?;
        // A page is full of payments that can be read, however many damaged ones lie between them.
        if is_last || found.len() > size as usize {
            return Ok(Page::of(found, size));
        }
        limit = limit.saturating_mul(2);
    }
}

/// The events of a payment, oldest first.
pub(super) async fn list_events(session: &Session, id: TransactionId) -> Result<Vec<Event>> {
    let sql = select_event!("WHERE e.transaction_id = $1 ORDER BY e.created_at, e.id");
    Ok(session.readable("athm_event", sql, values![*id.as_uuid()], |row| row.event()).await?.0)
}

/// The payments with their items and customers, which are in tables of their own.
pub(super) async fn with_details(session: &Session, transactions: Vec<Transaction>) -> Result<Vec<Transaction>> {
    if transactions.is_empty() {
        return Ok(transactions);
    }
    let of = ids(&transactions);
    let items = session.all(ITEMS, values![of.clone()], |row| Ok((row.uuid()?, row.item()?)));
    let customers = session.all(CUSTOMERS, values![of], |row| Ok((row.uuid()?, row.customer()?)));
    let (items, customers) = try_join(items, customers).await?;
    Ok(joined(transactions, items, customers))
}

/// The same, without the payments that have an item or a customer that can't be read.
pub(super) async fn with_readable_details(
    session: &Session,
    mut transactions: Vec<Transaction>,
) -> Result<Vec<Transaction>> {
    if transactions.is_empty() {
        return Ok(transactions);
    }
    let of = ids(&transactions);
    let table = "athm_transaction";
    let items = session.readable(table, ITEMS, values![of.clone()], |row| Ok((row.uuid()?, row.item()?)));
    let customers = session.readable(table, CUSTOMERS, values![of], |row| Ok((row.uuid()?, row.customer()?)));
    let ((items, damaged), (customers, also_damaged)) = try_join(items, customers).await?;
    transactions.retain(|of| !damaged.contains(of.id.as_uuid()) && !also_damaged.contains(of.id.as_uuid()));
    Ok(joined(transactions, items, customers))
}

fn joined(
    mut transactions: Vec<Transaction>,
    items: Vec<(Uuid, Item)>,
    customers: Vec<(Uuid, Customer)>,
) -> Vec<Transaction> {
    let mut items_of = HashMap::<_, Vec<_>>::new();
    for (of, item) in items {
        items_of.entry(of).or_default().push(item);
    }
    let mut customers: HashMap<_, _> = customers.into_iter().collect();
    for transaction in &mut transactions {
        let id = transaction.id.as_uuid();
        transaction.items = items_of.remove(id).unwrap_or_default();
        transaction.customer = customers.remove(id);
    }
    transactions
}

pub(super) fn ids(transactions: &[Transaction]) -> Vec<Uuid> {
    transactions.iter().map(|transaction| *transaction.id.as_uuid()).collect()
}
