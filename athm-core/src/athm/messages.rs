//! Messages as they came.

use super::Athm;
use crate::callback::Envelope;
use crate::inbox::{MessageResult, ReprocessError};
use crate::models::{MessageId, Sender};
use crate::store::{MessagePage, MessageQuery, StoreError, StoredMessage};

/// Messages as they came: [`Athm::messages`].
///
/// ```no_run
/// # async fn look(athm: athm_core::Athm) -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::messages::{MessageQuery, MessageState};
///
/// let refused = MessageQuery::new().state(MessageState::Refused);
/// for message in athm.messages().list(refused).await?.messages() {
///     println!("{}: {}", message.answer, message.reason.as_deref().unwrap_or_default());
///     athm.messages().reprocess(message.id).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Messages<'a> {
    athm: &'a Athm,
}

impl Athm {
    /// Messages as they came: what was posted, how it was answered, and what became of it.
    #[must_use]
    pub fn messages(&self) -> Messages<'_> {
        Messages { athm: self }
    }
}

impl Messages<'_> {
    /// A page of messages, newest first. A message that has just been answered may be stored a moment later;
    /// [`Athm::idle`] waits for it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn list(&self, query: MessageQuery) -> Result<MessagePage, StoreError> {
        self.athm.store().list_messages(query).await
    }

    /// One by its id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database can't be read.
    pub async fn get(&self, id: MessageId) -> Result<Option<StoredMessage>, StoreError> {
        Ok(self.list(MessageQuery::one(id)).await?.into_messages().pop())
    }

    /// Runs a message again as a new one: the provider is asked about the payment that it names, and its answer
    /// is recorded. The stored message tells then what became of it. No event happens twice.
    ///
    /// # Errors
    ///
    /// [`ReprocessError`]: there is no such message, its body isn't stored whole, it can't be read, or the database failed.
    pub async fn reprocess(&self, id: MessageId) -> Result<MessageResult, ReprocessError> {
        let inbox = self.athm.0.inbox.clone();
        inbox.copies.flush().await;
        self.athm.spawn(async move { inbox.reprocess(id).await }).await.unwrap_or(Err(StoreError::Closed.into()))
    }

    /// How many messages this process didn't store since its start, because too many arrived or the database failed. What
    /// they brought was recorded all the same.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.athm.0.inbox.copies.shed()
    }

    /// Stores a message that the web layer has answered itself, behind the answer: one that can't be read, say, or one that a
    /// callback of the program's own has taken. `athm_actix::scope` does so; this is for other web frameworks.
    ///
    /// An answer of 400 or more is logged with `reason`, which must contain nothing of the message.
    pub fn note(&self, sender: Sender, envelope: Envelope, answer: u16, reason: Option<&str>) {
        self.athm.0.inbox.store_answered(sender, envelope, answer, reason);
    }
}
