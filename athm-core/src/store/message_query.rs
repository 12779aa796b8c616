//! Lists of messages, a page at a time.

use jiff::Timestamp;

use super::{MessageState, StoredMessage, page};
use crate::models::{MessageId, TransactionId};

/// Which messages to list, newest first.
///
/// ```no_run
/// # async fn list(athm: athm_core::Athm) -> Result<(), athm_core::errors::StoreError> {
/// use athm_core::messages::{MessageQuery, MessageState};
///
/// let mut query = MessageQuery::new().state(MessageState::Refused).limit(20);
/// loop {
///     let page = athm.messages().list(query.clone()).await?;
///     for message in page.messages() {
///         println!("{} {}: {}", message.received_at, message.answer, message.reason.as_deref().unwrap_or_default());
///     }
///     let Some(next) = page.next() else { break };
///     query = query.after(next);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a query lists nothing by itself"]
pub struct MessageQuery {
    pub(super) state: Option<MessageState>,
    pub(super) transaction: Option<TransactionId>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) limit: Option<u32>,
    pub(super) after: Option<MessageCursor>,
    pub(super) id: Option<MessageId>,
}

impl MessageQuery {
    const MAX_LIMIT: u32 = 200;
    const DEFAULT_LIMIT: u32 = 50;

    /// All messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only messages in this state.
    pub fn state(mut self, state: MessageState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only messages that led to this payment.
    pub fn transaction(mut self, id: TransactionId) -> Self {
        self.transaction = Some(id);
        self
    }

    /// Only messages that arrived at this time or later.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only messages that arrived before this time.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// The size of a page: 1 to 200 messages, 50 unless given.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit.clamp(1, Self::MAX_LIMIT));
        self
    }

    /// The page that follows another, from its [`next`](MessagePage::next).
    pub fn after(mut self, cursor: MessageCursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// One message alone.
    pub(crate) fn one(id: MessageId) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    pub(super) fn page_size(&self) -> u32 {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT)
    }
}

/// Where a page of messages ended.
///
/// ```
/// use athm_core::Athm;
/// use athm_core::errors::StoreError;
/// use athm_core::messages::{MessageCursor, MessageQuery};
///
/// async fn second_page(athm: &Athm) -> Result<Option<MessageCursor>, StoreError> {
///     let Some(first) = athm.messages().list(MessageQuery::new()).await?.next() else { return Ok(None) };
///     Ok(athm.messages().list(MessageQuery::new().after(first)).await?.next())
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCursor {
    pub(super) received_at: Timestamp,
    pub(super) id: MessageId,
}

/// One page of a list of messages.
///
/// ```
/// use athm_core::messages::MessagePage;
///
/// fn bytes(page: &MessagePage) -> u64 {
///     page.messages().iter().map(|message| message.size).sum()
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePage {
    pub(super) messages: Vec<StoredMessage>,
    pub(super) next: Option<MessageCursor>,
}

impl MessagePage {
    /// The messages, newest first.
    #[must_use]
    pub fn messages(&self) -> &[StoredMessage] {
        &self.messages
    }

    /// Where the next page begins; `None` after the last.
    #[must_use]
    pub fn next(&self) -> Option<MessageCursor> {
        self.next
    }

    /// The messages themselves.
    #[must_use]
    pub fn into_messages(self) -> Vec<StoredMessage> {
        self.messages
    }

    /// The first `size` messages of those that were read; `damaged` more couldn't be.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn of(mut messages: Vec<StoredMessage>, damaged: usize, size: u32) -> Self {
        let last = page::cut(&mut messages, damaged, size);
        let next = last.map(|last| MessageCursor { received_at: last.received_at, id: last.id });
        Self { messages, next }
    }
}
