//! Where the server is, and how it is spoken to.

use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore, crypto};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;
use crate::text::causes;

/// How long making a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server's address, with what its certificate is checked against. Its password is shown nowhere.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|error| StoreError::Address {
            // The parser names what it doesn't understand, and repeats no value.
            found: format!("postgres://…: {}", causes(&error)),
        })?;
        let is_local =
            config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(|ip| ip.is_loopback());
        if !says_ssl_mode(url) {
            config.ssl_mode(if is_local { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_application_name().is_none() {
            config.application_name("athm");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        config.keepalives_idle(Duration::from_secs(15)).tcp_user_timeout(Duration::from_secs(30));
        let tls = MakeRustlsConnect::new(tls(config.get_ssl_mode()).map_err(StoreError::database)?);
        Ok(Self { config, tls })
    }
}

/// Nothing that is sent there leaves the machine.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn says_ssl_mode(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "sslmode")
}

/// TLS with `ring`, handed to these connections alone: the server's certificate is always verified.
fn tls(mode: SslMode) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    if mode == SslMode::Disable {
        return Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    Ok(config.with_platform_verifier()?.with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_the_address_says_otherwise() {
        for (url, mode) in [
            ("postgres://shop@localhost/shop", SslMode::Disable),
            ("postgres://shop@127.0.0.1:5433/shop", SslMode::Disable),
            ("postgresql://shop@[::1]/shop", SslMode::Disable),
            ("postgres:///shop?host=/var/run/postgresql", SslMode::Disable),
            ("postgres://shop@db.example.com/shop", SslMode::Require),
            ("postgres://shop@localhost,db.example.com/shop", SslMode::Require),
            ("postgres://shop@10.0.0.7/shop?sslmode=disable", SslMode::Disable),
            ("postgres://shop@10.0.0.7/shop?connect_timeout=3&sslmode=prefer", SslMode::Prefer),
            ("postgres://shop@localhost/shop?sslmode=require", SslMode::Require),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.config.get_ssl_mode(), mode, "{url}");
            assert_eq!(address.config.get_application_name(), Some("athm"));
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://shop:hunter2@localhost:port/shop",
            "postgres://shop:hunter2@localhost/shop?sslmode=maybe",
            "postgres://shop@localhost/shop?password=hunter2&unknown=1",
            "postgres://shop:hunter2",
        ] {
            let Err(error) = Address::parse(url) else { panic!("{url} was taken") };
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
