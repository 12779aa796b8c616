//! Lists of payments, a page at a time.

use std::fmt;

use jiff::Timestamp;

use super::page;
use crate::models::{PhoneNumber, Status, Transaction, TransactionId, TransactionKind};

/// Which payments to list, newest first.
///
/// ```no_run
/// # async fn list(athm: athm_core::Athm) -> Result<(), athm_core::errors::StoreError> {
/// use athm_core::transactions::TransactionQuery;
/// use athm_core::Status;
///
/// let mut query = TransactionQuery::new().status(Status::Completed).limit(100);
/// loop {
///     let page = athm.transactions(query.clone()).await?;
///     for transaction in page.transactions() {
///         println!("{} {}", transaction.created_at(), transaction.total());
///     }
///     let Some(next) = page.next() else { break };
///     query = query.after(next);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a query lists nothing by itself"]
pub struct TransactionQuery {
    pub(super) status: Option<Status>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) kind: Option<TransactionKind>,
    pub(super) metadata_1: Option<String>,
    pub(super) metadata_2: Option<String>,
    pub(super) reference_prefix: Option<String>,
    pub(super) daily_transaction_id: Option<String>,
    pub(super) customer_phone: Option<PhoneNumber>,
    pub(super) customer_email: Option<EmailAddress>,
    pub(super) limit: Option<u32>,
    pub(super) after: Option<Cursor>,
}

impl TransactionQuery {
    const MAX_LIMIT: u32 = 1000;
    const DEFAULT_LIMIT: u32 = 50;

    /// All payments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only payments with this status.
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// Only payments that were first recorded at this time or later.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only payments that were first recorded before this time.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Only payments with this `metadata_1`: those of one order, say. An index finds them.
    pub fn metadata_1(mut self, metadata: impl Into<String>) -> Self {
        self.metadata_1 = Some(metadata.into());
        self
    }

    /// Only payments whose customer has this phone, as far as the provider has named them. An index finds them.
    pub fn customer_phone(mut self, phone: PhoneNumber) -> Self {
        self.customer_phone = Some(phone);
        self
    }

    /// Only payments whose customer has this e-mail address, in upper or lower case, as far as the provider has named them. An
    /// index finds them.
    pub fn customer_email(mut self, email: impl Into<String>) -> Self {
        self.customer_email = Some(EmailAddress(email.into()));
        self
    }

    /// Only payments of this kind. The payments of the range of time are searched.
    pub fn kind(mut self, kind: TransactionKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only payments with this `metadata_2`. The payments of the range of time are searched.
    pub fn metadata_2(mut self, metadata: impl Into<String>) -> Self {
        self.metadata_2 = Some(metadata.into());
        self
    }

    /// Only payments whose reference number begins like this. The payments of the range of time are searched.
    pub fn reference_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.reference_prefix = Some(prefix.into());
        self
    }

    /// Only payments with this number within the business's day. The payments of the range of time are searched.
    pub fn daily_transaction_id(mut self, id: impl Into<String>) -> Self {
        self.daily_transaction_id = Some(id.into());
        self
    }

    /// The size of a page: 1 to 1000 payments, 50 unless given.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit.clamp(1, Self::MAX_LIMIT));
        self
    }

    /// The page that follows another, from its [`next`](Page::next).
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    pub(super) fn page_size(&self) -> u32 {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT)
    }
}

/// An e-mail address, which no log shows.
#[derive(Clone)]
pub(super) struct EmailAddress(pub(super) String);

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress([redacted])")
    }
}

/// Where a page ended.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::StoreError;
/// use athm_core::transactions::TransactionQuery;
///
/// async fn count(athm: &Athm) -> Result<usize, StoreError> {
///     let (mut query, mut count) = (TransactionQuery::new(), 0);
///     loop {
///         let page = athm.transactions(query.clone()).await?;
///         count += page.transactions().len();
///         let Some(cursor) = page.next() else { return Ok(count) };
///         query = query.after(cursor);
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(super) created_at: Timestamp,
    pub(super) id: TransactionId,
}

/// Some payments, newest first, and where the next ones begin.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::StoreError;
/// use athm_core::transactions::TransactionQuery;
///
/// async fn count(athm: &Athm) -> Result<usize, StoreError> {
///     let (mut query, mut count) = (TransactionQuery::new(), 0);
///     loop {
///         let page = athm.transactions(query.clone()).await?;
///         count += page.transactions().len();
///         let Some(cursor) = page.next() else { return Ok(count) };
///         query = query.after(cursor);
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub(super) transactions: Vec<Transaction>,
    pub(super) next: Option<Cursor>,
}

impl Page {
    /// The first `size` payments of those that were read.
    pub(super) fn of(mut transactions: Vec<Transaction>, size: u32) -> Self {
        let next =
            page::cut(&mut transactions, 0, size).map(|last| Cursor { created_at: last.created_at, id: last.id });
        Self { transactions, next }
    }

    /// The payments.
    #[must_use]
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// Where the next page begins; `None` on the last one.
    #[must_use]
    pub fn next(&self) -> Option<Cursor> {
        self.next
    }
}
