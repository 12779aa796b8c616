//! Whether the provider takes the tokens: asked before the first customer pays, with questions that change nothing.

use std::time::Duration;

use super::Athm;
use crate::models::EcommerceId;
use crate::provider::{Client, ProviderError};
use crate::util::clock::{Clock, earlier};
use crate::util::text::causes;

const MINUTE: Duration = Duration::from_secs(60);

/// What is wrong with the tokens: [`Athm::check_credentials`].
///
/// ```no_run
/// # async fn check(athm: athm_core::Athm) {
/// use athm_core::errors::CredentialError;
///
/// if let Err(CredentialError::PrivateToken(_)) = athm.check_credentials().await {
///     println!("payments work; refunds and searches don't");
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// Callbacks are trusted: there are no tokens.
    #[error("callbacks are trusted: there are no tokens to check")]
    NoProvider,
    /// The provider refuses the public token: no payment can be opened or read.
    #[error("the provider refuses the public token: copy it again from the ATH Business app")]
    PublicToken(#[source] ProviderError),
    /// The provider takes the public token and refuses the private one: payments work, and no refund, no search and no
    /// report does.
    #[error("the provider refuses the private token: copy it again from the ATH Business app")]
    PrivateToken(#[source] ProviderError),
    /// The provider couldn't be asked, so that nothing is known.
    #[error("the provider couldn't be asked about the tokens")]
    Provider(#[source] ProviderError),
}

impl Athm {
    /// Checks that the provider accepts both tokens, by two requests that change nothing: for a payment that doesn't exist,
    /// and for the report of one minute. `start` does so in the background, unless the builder says
    /// [otherwise](crate::AthmBuilder::without_credential_check), and logs an ERROR if a token is refused, a WARN if the
    /// provider couldn't be asked.
    ///
    /// A wrong business id shows at the first answer that carries one.
    ///
    /// ```no_run
    /// # async fn check(athm: athm_core::Athm) {
    /// if let Err(error) = athm.check_credentials().await {
    ///     println!("no customer can pay: {error}");
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CredentialError`].
    pub async fn check_credentials(&self) -> Result<(), CredentialError> {
        check(self.provider().ok_or(CredentialError::NoProvider)?, self.clock()).await
    }
}

/// The check of a start: only what is certainly wrong is an ERROR.
pub(super) async fn check_at_start(client: Client, clock: Clock) {
    match check(&client, &clock).await {
        Ok(()) => tracing::debug!("the provider takes both tokens"),
        Err(error @ CredentialError::Provider(_)) => {
            tracing::warn!(error = causes(&error), "the tokens couldn't be checked");
        }
        Err(error) => tracing::error!(error = causes(&error), "NO CUSTOMER CAN PAY, OR NO REFUND WORKS"),
    }
}

/// Asks each question once: an outage is an answer, too, and the caller may ask again.
async fn check(client: &Client, clock: &Clock) -> Result<(), CredentialError> {
    let client = client.sending_once();
    match client.find(&EcommerceId::from(uuid::Uuid::nil())).await {
        Err(error) if error.is_authentication() => return Err(CredentialError::PublicToken(error)),
        Err(error) if !error.is_not_found() => return Err(CredentialError::Provider(error)),
        _ => {}
    }
    let until = earlier(clock.now(), MINUTE);
    match client.report(earlier(until, MINUTE), until).await {
        Err(error) if error.is_authentication() => Err(CredentialError::PrivateToken(error)),
        Err(error) => Err(CredentialError::Provider(error)),
        Ok(_) => Ok(()),
    }
}
