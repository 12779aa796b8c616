//! Looking up and judging a message without recording anything: for callbacks of the program's own.

use std::sync::Arc;

use super::judge::{Verdict, judge, stated_refund, with_stated_expiry};
use super::lookup::is_known;
use super::{Inbox, identify};
use crate::callback::Message;
use crate::models::{PaymentKey, Sender, Transaction, TransactionKind};
use crate::provider::ProviderError;
use crate::store::StoreError;

impl Inbox {
    /// The provider's answer about the payment that a message names, if it agrees with the message. When callbacks are
    /// trusted, what the message states.
    pub(crate) async fn verify(&self, message: &Message) -> Result<Transaction, VerifyError> {
        let key = identify::stated_key(message).filter(|_| message.kind() != Some(&TransactionKind::Simulated));
        let key = key.ok_or(VerifyError::Unidentified)?;
        let Some(lookup) = &self.lookup else { return Ok(message.transaction(self.clock.now())) };
        let recorded = self.find(&key).await?;
        let class = self.rate_limit_class(recorded.as_ref(), &Sender::CALLBACK, 0);
        let answer = lookup.look_up(&key, recorded.as_ref(), class).await.ok_or(VerifyError::Pending)?;
        let observed = match answer {
            // The provider lags: what it doesn't know yet may be known in a moment.
            Err(error) if error.is_not_found() && may_lag(&key, recorded.as_ref()) => return Err(VerifyError::Pending),
            Err(error) if error.is_not_found() => return Err(VerifyError::Refused),
            Err(error) => return Err(VerifyError::Provider(error)),
            // The message names a refund, and no payment.
            Ok(observed) if *observed.kind() == TransactionKind::Refund => return Err(VerifyError::Unidentified),
            Ok(observed) => with_stated_expiry(observed, message.status()),
        };
        match judge(message.status(), stated_refund(message), &observed) {
            Verdict::Verified => Ok(observed),
            Verdict::Contradicted => Err(VerifyError::Refused),
            Verdict::Undecided => Err(VerifyError::Pending),
        }
    }
}

/// Whether "no such payment" may only mean "not yet": of a reference number, and of a payment that we know.
fn may_lag(key: &PaymentKey, recorded: Option<&Transaction>) -> bool {
    matches!(key, PaymentKey::Reference(_)) || is_known(recorded)
}

/// Why a message can't be verified.
///
/// ```no_run
/// # async fn verify(athm: athm_core::Athm, message: athm_core::Message) {
/// use athm_core::errors::VerifyError;
///
/// match athm.verify(&message).await {
///     Ok(transaction) => println!("{} is {}", transaction.metadata_1(), transaction.status()),
///     Err(VerifyError::Pending | VerifyError::Provider(_)) => println!("try again in a few seconds"),
///     Err(error) => println!("don't act on it: {error}"),
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It names no payment, or is a test event.
    #[error("the message names no payment")]
    Unidentified,
    /// The provider contradicts it.
    #[error("the provider says otherwise")]
    Refused,
    /// It states what the provider doesn't confirm yet.
    #[error("the provider doesn't confirm it yet")]
    Pending,
    /// The provider couldn't be asked.
    #[error("the provider couldn't be asked")]
    Provider(#[source] Arc<ProviderError>),
    /// The database couldn't be read.
    #[error("the database couldn't be read")]
    Store(#[from] StoreError),
}
