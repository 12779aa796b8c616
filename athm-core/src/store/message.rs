//! Copies of messages, as they came: for people, and to run one again.
//!
//! No payment depends on a copy. So copies are written behind the path of the message, and may be shed under load.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;

use crate::models::{MessageId, PaymentKey, Sender, TransactionId};

/// A message as it is stored: [`Athm::messages`](crate::Athm::messages).
///
/// ```
/// use athm_core::messages::StoredMessage;
///
/// fn line(message: &StoredMessage) -> String {
///     format!("{} {} {}: {}", message.received_at, message.sender, message.answer, message.reason.as_deref().unwrap_or("-"))
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// Its id.
    pub id: MessageId,
    /// What became of it.
    pub state: MessageState,
    /// The route that it came in on: `callback`, `webhook`, or a name of the program's own.
    pub sender: Sender,
    /// The content type that the sender gave.
    pub content_type: Option<String>,
    /// The address of the connection's other end. Behind a proxy it is the proxy's.
    pub remote_address: Option<String>,
    /// The size of its body, in bytes, as it came or was announced.
    pub size: u64,
    /// Its body, as it came; of a longer one, the first 65,536 bytes.
    pub body: Vec<u8>,
    /// The HTTP status that it was answered with. It stays what it was when the message is settled later.
    pub answer: u16,
    /// Why it was refused or matches no payment.
    pub reason: Option<String>,
    /// The payment that it led to.
    pub transaction_id: Option<TransactionId>,
    /// When it arrived.
    pub received_at: Timestamp,
}

impl StoredMessage {
    /// Whether its whole body is stored.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.body.len() as u64 == self.size
    }
}

/// Without the body: it may hold the customer's name, phone and e-mail address.
impl fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredMessage")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("sender", &self.sender)
            .field("size", &self.size)
            .field("answer", &self.answer)
            .field("reason", &self.reason)
            .field("transaction_id", &self.transaction_id)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// What became of a message.
///
/// ```
/// use athm_core::messages::MessageState;
///
/// assert_eq!("refused".parse(), Ok(MessageState::Refused));
/// assert_eq!(MessageState::Unmatched.to_string(), "unmatched");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageState {
    /// What the provider says of its payment is recorded; the message may have brought nothing new.
    Recorded,
    /// It waits until the provider confirms or contradicts it.
    Pending,
    /// It was answered with an error: it can't be read, the provider contradicts it, a check refused it, or it couldn't be
    /// stored. Or it was pending, and was refused later.
    Refused,
    /// It names no payment.
    Unmatched,
}

impl MessageState {
    const ALL: [Self; 4] = [Self::Recorded, Self::Pending, Self::Refused, Self::Unmatched];

    /// Its name, as the database and the guide have it.
    ///
    /// ```
    /// assert_eq!(athm_core::messages::MessageState::Recorded.as_str(), "recorded");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Pending => "pending",
            Self::Refused => "refused",
            Self::Unmatched => "unmatched",
        }
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MessageState {
    type Err = UnknownMessageState;

    fn from_str(text: &str) -> Result<Self, UnknownMessageState> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == text).ok_or_else(|| UnknownMessageState(text.to_owned()))
    }
}

/// Not the name of a message's state.
///
/// ```
/// use athm_core::messages::MessageState;
///
/// let error = "lost".parse::<MessageState>().unwrap_err();
/// assert_eq!(error.to_string(), "expected the state of a message, found \"lost\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the state of a message, found {0:?}")]
pub struct UnknownMessageState(String);

/// A copy that is to be stored.
#[derive(Debug)]
pub(crate) struct MessageCopy {
    pub(crate) id: MessageId,
    pub(crate) state: MessageState,
    pub(crate) lane: MessageLane,
    pub(crate) sender: Sender,
    pub(crate) content_type: Option<String>,
    pub(crate) remote_address: Option<IpAddr>,
    pub(crate) size: u64,
    /// Owned to the byte: a shared buffer would keep in memory whatever else it holds.
    pub(crate) body: Box<[u8]>,
    pub(crate) answer: u16,
    pub(crate) reason: Option<String>,
    /// Of a pending one: the payment that it is settled with.
    pub(crate) key: Option<PaymentKey>,
    pub(crate) transaction: Option<TransactionId>,
    pub(crate) received_at: Timestamp,
}

impl MessageCopy {
    /// What it takes of its lane's room: its body and about as much as the rest of its row and its index entries take.
    pub(crate) fn weight(&self) -> u64 {
        self.body.len() as u64 + 1024
    }
}

/// Copies of different worth have room of their own, in memory and in the database, so that a sender who posts much junk
/// pushes out no copy of a message that brought news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageLane {
    /// Messages that brought a transition. There are never more than real events.
    News,
    /// All others.
    Other,
}

impl MessageLane {
    pub(crate) const ALL: [Self; 2] = [Self::News, Self::Other];

    /// As the database has it.
    pub(crate) fn number(self) -> i16 {
        match self {
            Self::News => 0,
            Self::Other => 1,
        }
    }

    /// How much of it is kept, as the sum of [`MessageCopy::weight`]: the newest.
    pub(crate) fn max_weight(self) -> i64 {
        match self {
            Self::News => 256 << 20,
            Self::Other => 64 << 20,
        }
    }
}

/// What became of a message that was pending: its copies tell so.
#[derive(Debug)]
pub(crate) struct ProcessedMessage {
    pub(crate) key: PaymentKey,
    pub(crate) state: MessageState,
    pub(crate) reason: Option<String>,
    pub(crate) transaction: Option<TransactionId>,
    /// Copies of messages that arrived later are left alone.
    pub(crate) processed_at: Timestamp,
}

/// What one write stores.
#[derive(Debug, Default)]
pub(crate) struct MessageBatch {
    pub(crate) copies: Vec<MessageCopy>,
    pub(crate) processed: Vec<ProcessedMessage>,
}

/// What became of a message that was run again.
#[derive(Debug)]
pub(crate) struct ReprocessedMessage {
    pub(crate) id: MessageId,
    pub(crate) state: MessageState,
    pub(crate) reason: Option<String>,
    pub(crate) key: Option<PaymentKey>,
    pub(crate) transaction: Option<TransactionId>,
}
