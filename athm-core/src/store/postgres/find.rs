//! Payments as they are recorded.

use std::collections::HashMap;

use futures_util::future::try_join;
use uuid::Uuid;

use super::fault::Result;
use super::row::Columns;
use super::session::{Session, storable, text, values};
use crate::models::{Transaction, TransactionId};
use crate::store::{Page, TransactionQuery};

macro_rules! select_transaction {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.kind, t.status, t.ecommerce_id, t.reference_number, t.daily_transaction_id, t.total, ",
            "t.subtotal, t.tax, t.fee, t.net_amount, t.refunded_amount, t.metadata_1, t.metadata_2, t.date, t.deadline, ",
            "t.verified, t.problem, t.created_at, t.updated_at ",
            $rest
        )
    };
}
pub(super) use select_transaction;

pub(super) async fn by_id(session: &Session, id: TransactionId) -> Result<Vec<Transaction>> {
    let sql = select_transaction!("FROM athm_transaction t WHERE t.id = $1");
    session.all(sql, values![*id.as_uuid()], |columns| columns.transaction()).await
}

pub(super) async fn list(session: &Session, query: &TransactionQuery) -> Result<Page> {
    let of_all = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= coalesce($1, '-infinity'::timestamptz) \
         AND t.created_at < coalesce($2, 'infinity'::timestamptz) \
         AND (t.created_at, t.id) < (coalesce($3, 'infinity'::timestamptz), $4) \
         ORDER BY t.created_at DESC, t.id DESC LIMIT $5"
    );
    let of_status = select_transaction!(
        "FROM athm_transaction t WHERE t.created_at >= coalesce($1, '-infinity'::timestamptz) \
         AND t.created_at < coalesce($2, 'infinity'::timestamptz) \
         AND (t.created_at, t.id) < (coalesce($3, 'infinity'::timestamptz), $4) \
         AND t.status = $6 ORDER BY t.created_at DESC, t.id DESC LIMIT $5"
    );
    let (since, until) = (query.since.map(storable), query.until.map(storable));
    let after = query.after.map(|cursor| storable(cursor.created_at));
    let after_id = query.after.map_or(Uuid::max(), |cursor| *cursor.id.as_uuid());
    let size = query.page_size();
    let mut values = values![since, until, after, after_id, i64::from(size) + 1];
    let sql = match &query.status {
        None => of_all,
        Some(status) => {
            values.push(Box::new(text(status.to_string())));
            of_status
        }
    };
    let found = session.all(sql, values, |columns| columns.transaction()).await?;
    Ok(Page::of(filled(session, found).await?, size))
}

/// With their items and their customers.
pub(super) async fn filled(session: &Session, mut transactions: Vec<Transaction>) -> Result<Vec<Transaction>> {
    if transactions.is_empty() {
        return Ok(transactions);
    }
    let of = ids(&transactions);
    let sql = "SELECT transaction_id, name, description, quantity, price, tax, metadata, sku FROM athm_item \
               WHERE transaction_id = ANY ($1) ORDER BY transaction_id, position";
    let read = |columns: &mut Columns<'_>| Ok((columns.get::<Uuid>()?, columns.item()?));
    let items = session.all(sql, values![of.clone()], read);
    let sql = "SELECT transaction_id, name, phone, email, message FROM athm_customer WHERE transaction_id = ANY ($1)";
    let read = |columns: &mut Columns<'_>| Ok((columns.get::<Uuid>()?, columns.customer()?));
    let customers = session.all(sql, values![of], read);
    let (items, customers) = try_join(items, customers).await?;
    let mut items_of = HashMap::<_, Vec<_>>::new();
    for (of, item) in items {
        items_of.entry(of).or_default().push(item);
    }
    let customers: HashMap<_, _> = customers.into_iter().collect();
    for transaction in &mut transactions {
        let id = transaction.id.as_uuid();
        // A payment may be there several times, once for each of its deliveries.
        transaction.items = items_of.get(id).cloned().unwrap_or_default();
        transaction.customer = customers.get(id).cloned();
    }
    Ok(transactions)
}

pub(super) fn ids(transactions: &[Transaction]) -> Vec<Uuid> {
    transactions.iter().map(|transaction| *transaction.id.as_uuid()).collect()
}
