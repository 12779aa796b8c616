//! How a connection is encrypted, and which certificates it trusts.

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

/// The value of `sslrootcert` that stands for the certificates that the system trusts.
const SYSTEM: &str = "system";

/// The TLS settings of an address, with the meaning that they have in `libpq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: SslMode,
    pub(super) trust: Trust,
    /// A file of root certificates to trust, in place of those that the system trusts.
    pub(super) roots: Option<PathBuf>,
}

/// What the server's certificate must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing. This protects against an eavesdropper, not against an impostor in between.
    Any,
    /// That a trusted authority has signed it.
    Signed,
    /// That it is also issued for the server's name.
    Named,
}

impl Tls {
    /// What `sslmode` and `sslrootcert` say. Unset, what leaves the machine is encrypted and verified.
    pub(super) fn of(mode: Option<&str>, roots: Option<PathBuf>, is_local: bool) -> Option<Self> {
        let is_system = roots.as_deref() == Some(Path::new(SYSTEM));
        // As in `libpq`: `require` with a file of roots checks the signature. The system's authorities sign certificates
        // for any server, so that their signature counts only together with the server's name.
        let at_least = match &roots {
            Some(_) if is_system => Trust::Named,
            Some(_) => Trust::Signed,
            None => Trust::Any,
        };
        let roots = roots.filter(|_| !is_system);
        let (mode, trust) = match mode {
            None if is_local && !is_system => (SslMode::Disable, Trust::Any),
            None | Some("verify-full") => (SslMode::Require, Trust::Named),
            Some("verify-ca") if is_system => (SslMode::Require, Trust::Named),
            Some("verify-ca") => (SslMode::Require, Trust::Signed),
            Some("require") => (SslMode::Require, at_least),
            Some("prefer") => (SslMode::Prefer, at_least),
            Some("disable") => (SslMode::Disable, Trust::Any),
            Some(_) => return None,
        };
        Some(Self { mode, trust, roots })
    }

    /// The configuration, with `ring` as its provider: the process-wide default stays untouched.
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
            _ if self.trust == Trust::Any => Ok(None),
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

/// Checks as much of a certificate as [`Trust`] says. That the server has the certificate's key is always checked.
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
            // The name is checked last, so that everything else is in order.
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
