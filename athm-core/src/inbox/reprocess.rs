//! Running a stored message again.

use super::Inbox;
use super::message_result::MessageResult;
use crate::callback::{Message, ParseError};
use crate::models::MessageId;
use crate::store::{MessageQuery, ReprocessedMessage, StoreError};

impl Inbox {
    /// Reads a stored message again, and settles it as a new one. Its copy tells what became of it now.
    pub(crate) async fn reprocess(&self, id: MessageId) -> Result<MessageResult, ReprocessError> {
        let stored = self.store.list_messages(MessageQuery::one(id)).await?.into_messages().pop();
        let stored = stored.ok_or(ReprocessError::NotFound)?;
        if !stored.is_complete() {
            return Err(ReprocessError::Incomplete { size: stored.size, stored: stored.body.len() as u64 });
        }
        let message = Message::parse(stored.content_type.as_deref().unwrap_or_default(), &stored.body)?;
        let outcome = self.process_new(&message, &stored.sender).await?;
        let (result, state, reason) = (outcome.result, outcome.state, outcome.reason);
        let (key, transaction) = (outcome.key, outcome.transaction);
        self.store.update_message(ReprocessedMessage { id, state, reason, key, transaction }).await?;
        Ok(result)
    }
}

/// Why a stored message can't be run again.
///
/// ```no_run
/// # async fn again(athm: athm_core::Athm, id: athm_core::ids::MessageId) {
/// use athm_core::errors::ReprocessError;
///
/// match athm.messages().reprocess(id).await {
///     Ok(result) => println!("{}", result.as_str()),
///     Err(ReprocessError::Unreadable(error)) => println!("it still can't be read: {error}"),
///     Err(error) => println!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReprocessError {
    /// There is no such message, or it is older than its retention.
    #[error("there is no such message")]
    NotFound,
    /// Only the beginning of its body is stored, or nothing of it.
    #[error("of the message's {size} bytes {stored} are stored: it can't be read again")]
    Incomplete {
        /// The size of the body as it came or was announced, in bytes.
        size: u64,
        /// How much of it is stored.
        stored: u64,
    },
    /// It can't be read.
    #[error("the message can't be read")]
    Unreadable(#[from] ParseError),
    /// The database failed.
    #[error("the database couldn't be read or written")]
    Store(#[from] StoreError),
}
