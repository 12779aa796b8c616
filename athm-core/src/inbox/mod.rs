//! The inbox: every message and every answer of the provider about a payment goes through here.
//!
//! A message takes these steps, each a file:
//!
//! 1. [`identify`]: which payment is it about?
//! 2. [`lookup`]: ask the provider about that payment; concurrent lookups share one call, and rate limits bound them.
//! 3. [`record`]: what the provider says is applied and stored, whatever the message stated.
//! 4. [`judge`]: does the message's statement agree with the provider's answer?
//!
//! Then the message is answered. A [copy](copies) of it, as it came, is stored behind that.
//!
//! A message that can't be settled yet is stored and [retried](pending). What happens to [refunds] has a file of its own,
//! because a refund's message may name the payment, the refund itself, or neither.

mod copies;
mod identify;
mod judge;
mod lookup;
mod message_result;
mod outcome;
mod pending;
mod record;
mod refunds;
mod reprocess;
mod verify;

use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore};

pub(crate) use self::copies::{Copies, CopyPolicy};
pub(crate) use self::lookup::{ProviderLookup, RateLimitClass};
pub use self::message_result::MessageResult;
use self::outcome::MessageOutcome;
pub(crate) use self::pending::LOOKUP_LEASE;
use self::pending::PendingMessage;
pub use self::reprocess::ReprocessError;
pub use self::verify::VerifyError;
use crate::callback::{Envelope, Message};
use crate::models::{Sender, Transaction, TransactionKind};
use crate::store::{Recorded, Store, StoreError};
use crate::util::clock::Clock;
use crate::util::limit::LogLimit;
use crate::util::text::causes;

static LIMITED: LogLimit = LogLimit::new();
static UNREACHABLE: LogLimit = LogLimit::new();

/// Receives messages, and records what the provider says of the payments that they name.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub(crate) store: Arc<dyn Store>,
    /// `None` when callbacks are trusted.
    pub(crate) lookup: Option<ProviderLookup>,
    pub(crate) clock: Clock,
    /// Notified when a message is stored to be retried.
    pub(crate) message_pending: Arc<Notify>,
    /// Whether webhooks arrive at an address that only the provider knows.
    pub(crate) has_secret_webhook: bool,
    /// Notified when a payment is recorded as approved by its customer.
    pub(crate) payment_confirmed: Arc<Notify>,
    /// The queue of copies that are to be stored.
    pub(crate) copies: Copies,
    /// How many messages about payments that we don't know may be stored as pending at once. Genuine records have the rest
    /// of the store's queue.
    pub(crate) unknown_pending: Arc<Semaphore>,
}

impl Inbox {
    /// Receives a message. When this returns, the message is durable, or what it brought is.
    pub(crate) async fn receive(
        &self,
        message: &Message,
        sender: Sender,
        envelope: Envelope,
    ) -> Result<MessageResult, StoreError> {
        let outcome = self.process_new(message, &sender).await?;
        self.store_copy(outcome, sender, envelope).await
    }

    /// Settles a message that has just arrived, or that a person has athm read again.
    async fn process_new(&self, message: &Message, sender: &Sender) -> Result<MessageOutcome, StoreError> {
        let key = match self.identify(message).await? {
            Ok(key) => key,
            Err(reason) => return Ok(MessageOutcome::unmatched(reason)),
        };
        match &self.lookup {
            Some(lookup) => {
                let mut pending = PendingMessage::new(message, key, sender.clone());
                if identify::stated_key(message).is_none() {
                    pending = pending.without_stated_expiry();
                }
                self.process(lookup, pending).await
            }
            None => self.receive_unverified(message, key, sender.clone()).await,
        }
    }

    /// Looks the payment up, records what the provider says, and settles the message by it: accepted, refused, or stored
    /// to be retried.
    async fn process(&self, lookup: &ProviderLookup, message: PendingMessage) -> Result<MessageOutcome, StoreError> {
        let recorded = self.find(&message.key).await?;
        let message = message.since(recorded.as_ref());
        if let Some(recorded) = &recorded {
            if message.is_duplicate_of(recorded) {
                return self.accept(&message, MessageOutcome::recorded(MessageResult::Known, recorded.id)).await;
            }
            if message.is_contradicted_by(recorded) {
                return self.refuse(message, "the provider has already reported it as completed", Some(recorded)).await;
            }
        }
        let class = self.rate_limit_class(recorded.as_ref(), &message.sender, message.attempts);
        let Some(answer) = lookup.look_up(&message.key, recorded.as_ref(), class).await else {
            // It counts as an attempt, so that the pauses grow, but never as the last one.
            LIMITED.log(|| {
                tracing::warn!(payment = %message.key, ?class, "the rate limit of lookups is reached: the message is retried");
            });
            return self.retry_later(message, recorded.as_ref()).await;
        };
        match answer {
            Ok(refund) if *refund.kind() == TransactionKind::Refund => {
                // In a box: otherwise every message takes the memory that this needs, and few are of refunds.
                self.process_refund(lookup, message, &refund).boxed().await
            }
            Ok(observed) => self.process_answer(observed, message).await,
            Err(error) if error.is_not_found() => {
                self.retry_or_refuse_unknown(message, recorded.as_ref(), &error.to_string()).await
            }
            Err(error) => {
                UNREACHABLE.log(|| {
                    tracing::warn!(payment = %message.key, error = %causes(&error), "the provider couldn't be asked about a message: it is retried");
                });
                self.retry_or_give_up(message, recorded.as_ref()).await
            }
        }
    }

    /// Records the provider's answer, and judges the message's statement by it.
    async fn process_answer(&self, answer: Transaction, message: PendingMessage) -> Result<MessageOutcome, StoreError> {
        let observed = judge::with_stated_expiry(answer, message.status.as_ref());
        let recorded = self.record(observed.clone(), message.sender.clone()).await?;
        let payment = Some(&recorded.transaction);
        if let Some(reason) = recorded.events().iter().find_map(|event| event.rejection()) {
            return self.refuse(message, reason, payment).await;
        }
        match message.verdict(&observed) {
            judge::Verdict::Verified if !self.shows_refunds(&message, &recorded, &observed).await? => {
                self.retry_or_give_up(message, payment).await
            }
            judge::Verdict::Verified => self.accept(&message, outcome_of(&recorded)).await,
            judge::Verdict::Contradicted => {
                self.refuse(message, &format!("the provider says {}", observed.status()), payment).await
            }
            judge::Verdict::Undecided => self.retry_or_give_up(message, payment).await,
        }
    }
}

/// Of a message that the provider has verified.
fn outcome_of(recorded: &Recorded) -> MessageOutcome {
    MessageOutcome::recorded(MessageResult::of(recorded), recorded.transaction.id)
}
