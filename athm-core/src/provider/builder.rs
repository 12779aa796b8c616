//! Setting up the client.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::{ClientConfig, RootCertStore, crypto};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::SecretString;

use super::Client;
use super::alarm::TokenAlarm;
use super::call::ReadRetries;
use crate::util::backoff::Jitter;
use crate::util::clock::Clock;

const PAYMENTS: &str = "https://payments.athmovil.com";
const WWW: &str = "https://www.athmovil.com";
const USER_AGENT: &str = concat!("athm/", env!("CARGO_PKG_VERSION"));

/// Sets up a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use athm_core::provider::Client;
///
/// let client = Client::builder("public token", "private token")
///     .api_url("http://127.0.0.1:9000") // a simulator
///     .timeout(Duration::from_secs(5))
///     .build()?;
/// # Ok::<(), athm_core::provider::BuildError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    public_token: SecretString,
    private_token: SecretString,
    business_id: Option<String>,
    payments_url: String,
    www_url: String,
    timeout: Duration,
    connect_timeout: Duration,
    user_agent: String,
    read_attempts: u32,
    seed: Option<u64>,
    clock: Clock,
}

impl ClientBuilder {
    pub(super) fn new(public_token: impl Into<SecretString>, private_token: impl Into<SecretString>) -> Self {
        Self {
            public_token: public_token.into(),
            private_token: private_token.into(),
            business_id: None,
            payments_url: PAYMENTS.to_owned(),
            www_url: WWW.to_owned(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            user_agent: USER_AGENT.to_owned(),
            read_attempts: 3,
            seed: None,
            clock: Clock::system(),
        }
    }

    /// The `businessCustomerId` that answers must carry (searches, only where they name one). Unset, it is not checked.
    pub fn business_id(mut self, id: impl Into<String>) -> Self {
        self.business_id = Some(id.into());
        self
    }

    /// Replaces scheme, host and port of both of the provider's hosts: a simulator's address. Unencrypted `http` is
    /// taken for loopback alone, as the requests carry tokens.
    pub fn api_url(self, url: impl Into<String>) -> Self {
        let url = url.into();
        self.www_url(url.clone()).payments_url(url)
    }

    /// Replaces scheme, host and port of `https://payments.athmovil.com`: payments and refunds.
    pub fn payments_url(mut self, url: impl Into<String>) -> Self {
        self.payments_url = url.into();
        self
    }

    /// Replaces scheme, host and port of `https://www.athmovil.com`: searches, reports, and the webhook's subscription.
    pub fn www_url(mut self, url: impl Into<String>) -> Self {
        self.www_url = url.into();
        self
    }

    /// How long a whole call may take, the answer's body included (10 seconds unless given). A read that is sent again
    /// takes that long each time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a connection may take to be made (5 seconds unless given).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How the client names itself (`athm/` and its version unless given).
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// How often a read is sent while no answer comes: 3 times unless given, at least once. Pauses of about 250 ms,
    /// 500 ms and so on lie between. What moves money is always sent once.
    pub fn read_attempts(mut self, attempts: u32) -> Self {
        self.read_attempts = attempts.max(1);
        self
    }

    /// Seeds the random part of pauses.
    pub(crate) fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the source of the time of an answer, and of pauses.
    pub(crate) fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the address can't be used, or the system has no certificates to trust.
    pub fn build(self) -> Result<Client, BuildError> {
        let (payments, www) = (address(&self.payments_url)?, address(&self.www_url)?);
        let is_loopback = payments.scheme() == "http" && www.scheme() == "http";
        let http = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .timeout(self.timeout)
            .connect_timeout(self.connect_timeout)
            // A redirect would carry the tokens to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(tls(is_loopback)?);
        let http = if is_loopback { http.no_proxy() } else { http };
        let jitter = Arc::new(Jitter::seeded(self.seed));
        Ok(Client {
            http: http.build().map_err(BuildError::Http)?,
            alarm: TokenAlarm::new(self.clock.clone()),
            payments,
            www,
            public_token: self.public_token,
            private_token: self.private_token,
            business_id: self.business_id,
            timeout: self.timeout,
            reads: ReadRetries { attempts: self.read_attempts, clock: self.clock.clone(), jitter },
            clock: self.clock,
        })
    }
}

fn address(text: &str) -> Result<Url, BuildError> {
    let wrong = || BuildError::Address { found: text.to_owned() };
    let url: Url = text.parse().map_err(|_| wrong())?;
    let is_loopback = url.host_str().is_some_and(|host| {
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    });
    let takes = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    if takes { Ok(url) } else { Err(wrong()) }
}

/// TLS with `ring`, handed to this client alone. A loopback client trusts no certificate: it speaks no TLS.
fn tls(is_loopback: bool) -> Result<ClientConfig, BuildError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(BuildError::Tls)?;
    if is_loopback {
        return Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    Ok(config.with_platform_verifier().map_err(BuildError::Tls)?.with_no_client_auth())
}

/// Why a client can't be set up.
///
/// ```
/// use athm_core::provider::{BuildError, Client};
///
/// let error = Client::builder("public token", "private token").api_url("no address").build().unwrap_err();
/// assert!(matches!(error, BuildError::Address { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address can't be used.
    #[error("the API's address must be https, or http on loopback: found {found:?}")]
    Address {
        /// What was given.
        found: String,
    },
    /// No TLS: usually, the system has no certificates (Debian's package is `ca-certificates`).
    #[error("TLS can't be set up: are the system's CA certificates installed?")]
    Tls(#[source] rustls::Error),
    /// The HTTP client can't be set up.
    #[error("the HTTP client can't be set up")]
    Http(#[source] reqwest::Error),
}
