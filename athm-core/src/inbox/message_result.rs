//! The answer to a message's sender.

use crate::store::Recorded;

/// The answer to a message's sender. Whatever it is, what the provider answered has been recorded.
///
/// | result | HTTP | when |
/// |---|---|---|
/// | `Pending` | 202 | the provider couldn't be asked, or doesn't confirm the stated final status yet: it is asked again later |
/// | `Refused` | 422 | the provider knows no such payment or says otherwise, or a check of the program's own refused it |
/// | `Recorded` | 201 | the message brought a transition |
/// | `Known` | 200 | anything else, also a message that names no payment |
///
/// ```no_run
/// # async fn receive(athm: athm_core::Athm, message: athm_core::Message, body: Vec<u8>) -> Result<(), athm_core::errors::StoreError> {
/// use athm_core::{MessageResult, Sender};
///
/// if athm.receive(message, Sender::new("queue"), body).await? == MessageResult::Refused {
///     println!("the provider contradicts the message");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageResult {
    /// The message brought a transition, which is recorded.
    Recorded,
    /// Nothing new. A message that names no payment is stored as unmatched.
    Known,
    /// Stored until the provider confirms or contradicts it.
    Pending,
    /// Contradicted by the provider, and stored as refused.
    Refused,
}

impl MessageResult {
    /// Its name, as the HTTP answer's body has it.
    ///
    /// ```
    /// assert_eq!(athm_core::MessageResult::Recorded.as_str(), "recorded");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Known => "known",
            Self::Pending => "pending",
            Self::Refused => "refused",
        }
    }

    /// The HTTP status that the sender is answered with.
    ///
    /// ```
    /// assert_eq!(athm_core::MessageResult::Refused.http_status(), 422);
    /// ```
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Recorded => 201,
            Self::Known => 200,
            Self::Pending => 202,
            Self::Refused => 422,
        }
    }

    /// Of a message that the provider has verified.
    pub(super) fn of(recorded: &Recorded) -> Self {
        if recorded.events().is_empty() { Self::Known } else { Self::Recorded }
    }
}
