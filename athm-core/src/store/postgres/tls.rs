//! How a connection is encrypted, and whom it trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio_postgres::config::SslMode;

use crate::store::StoreError;

/// What `sslrootcert` says for the certificates that the system trusts.
const SYSTEM: &str = "system";

/// What an address asks for, in `libpq`'s words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: SslMode,
    pub(super) trust: Trust,
    /// RateLimitClass certificates are trusted, instead of those that the system trusts.
    pub(super) roots: Option<PathBuf>,
}

/// What is asked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing: whoever listens can't read along, but whoever stands in between can.
    Anybody,
    /// That somebody who is trusted has signed it.
    Signed,
    /// That it is the server's own as well.
    Named,
}

impl Tls {
    /// What `sslmode` and `sslrootcert` say. Unset, what leaves the machine is encrypted and verified.
    pub(super) fn of(mode: Option<&str>, roots: Option<PathBuf>, is_local: bool) -> Option<Self> {
        let is_system = roots.as_deref() == Some(Path::new(SYSTEM));
        // Roots that are named are there to be checked against. The system's sign certificates for everybody: those count
        // with the server's name alone, as in `libpq`.
        let at_least = match &roots {
            Some(_) if is_system => Trust::Named,
            Some(_) => Trust::Signed,
            None => Trust::Anybody,
        };
        let roots = roots.filter(|_| !is_system);
        let (mode, trust) = match mode {
            None if is_local && !is_system => (SslMode::Disable, Trust::Anybody),
            None | Some("verify-full") => (SslMode::Require, Trust::Named),
            Some("verify-ca") if is_system => (SslMode::Require, Trust::Named),
            Some("verify-ca") => (SslMode::Require, Trust::Signed),
            Some("require") => (SslMode::Require, at_least),
            Some("prefer") => (SslMode::Prefer, at_least),
            Some("disable") => (SslMode::Disable, Trust::Anybody),
            Some(_) => return None,
        };
        Some(Self { mode, trust, roots })
    }

    /// TLS with `ring`, handed to these connections alone.
    pub(super) fn config(&self) -> Result<ClientConfig, StoreError> {
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let config = config.with_safe_default_protocol_versions().map_err(StoreError::database)?;
        if self.mode == SslMode::Disable {
            return Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
        }
        let verifier = Checked { inner: self.verifier(&provider)?, trust: self.trust, provider };
        Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<dyn ServerCertVerifier>>, StoreError> {
        match &self.roots {
            _ if self.trust == Trust::Anybody => Ok(None),
            None => Ok(Some(Arc::new(Verifier::new(Arc::clone(provider)).map_err(StoreError::database)?))),
            Some(path) => {
                let roots = Arc::new(read(path)?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
                Ok(Some(verifier.map_err(StoreError::database)?))
            }
        }
    }
}

/// Certificates in PEM.
fn read(path: &Path) -> Result<RootCertStore, StoreError> {
    let unusable = |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Address {
        reason: format!("sslrootcert={}: {error}", path.display()),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.into()))? {
        let certificate = certificate.map_err(|error| unusable(error.into()))?;
        roots.add(certificate).map_err(|error| unusable(error.into()))?;
    }
    if roots.is_empty() { Err(unusable("it holds no certificate".into())) } else { Ok(roots) }
}

/// Asks as much of a certificate as is wanted. That the server has its key is always checked.
#[derive(Debug)]
struct Checked {
    inner: Option<Arc<dyn ServerCertVerifier>>,
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: all else is in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.trust == Trust::Signed => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
