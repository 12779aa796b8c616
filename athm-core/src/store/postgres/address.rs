//! The server's address, and how connections to it are made.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{Tls, Trust};
use crate::store::StoreError;
use crate::util::text::causes;

/// How long opening a TCP connection may take, unless the address sets `connect_timeout`.
const TCP_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A server's address with its TLS settings. It has no `Debug`, because it contains the password.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        // The driver's parser names the option that it doesn't understand, and repeats no value.
        let unusable = |reason: String| StoreError::Address { reason };
        let (rest, options) = without_tls(url);
        let mut config: Config = rest.parse().map_err(|error| unusable(causes(&error)))?;
        let is_local =
            config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(|ip| ip.is_loopback());
        let tls = Tls::of(options.mode.as_deref(), options.roots, is_local).ok_or_else(|| {
            unusable(String::from("expected sslmode to be disable, prefer, require, verify-ca or verify-full"))
        })?;
        match tls.mode {
            _ if is_local => {}
            SslMode::Disable => {
                tracing::warn!("the connection to the database is not encrypted: sslmode=verify-full encrypts it");
            }
            _ if tls.trust == Trust::Any => {
                tracing::warn!("the database's certificate is not verified: sslmode=verify-full verifies it");
            }
            _ => {}
        }
        config.ssl_mode(tls.mode);
        if config.get_application_name().is_none() {
            config.application_name("athm");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(TCP_CONNECT_TIMEOUT);
        }
        // A standby answers, too. Of several hosts the primary is the right one, and a single one that has become a standby
        // counts as unreachable, so that it is tried again after a pause.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.keepalives_idle(Duration::from_secs(15)).tcp_user_timeout(Duration::from_secs(30));
        Ok(Self { config, tls: MakeRustlsConnect::new(tls.config()?) })
    }
}

/// The TLS options of an address, as `libpq` spells them.
#[derive(Default)]
struct TlsOptions {
    mode: Option<String>,
    roots: Option<PathBuf>,
}

/// Splits off the TLS options, which the driver knows only in part.
fn without_tls(url: &str) -> (String, TlsOptions) {
    let Some((server, query)) = url.split_once('?') else { return (url.to_owned(), TlsOptions::default()) };
    let mut options = TlsOptions::default();
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match form_urlencoded::parse(pair.as_bytes()).next() {
            Some((name, value)) if name == "sslmode" => options.mode = Some(value.into_owned()),
            Some((name, value)) if name == "sslrootcert" => options.roots = Some(PathBuf::from(value.as_ref())),
            _ => rest.push(pair),
        }
    }
    (if rest.is_empty() { server.to_owned() } else { format!("{server}?{}", rest.join("&")) }, options)
}

/// Whether nothing that is sent there leaves the machine.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_encrypted_and_verified_unless_the_address_says_otherwise() {
        for (url, mode, trust) in [
            ("postgres://shop@localhost/shop", SslMode::Disable, Trust::Any),
            ("postgres://shop@127.0.0.1:5433/shop", SslMode::Disable, Trust::Any),
            ("postgresql://shop@[::1]/shop", SslMode::Disable, Trust::Any),
            ("postgres:///shop?host=/var/run/postgresql", SslMode::Disable, Trust::Any),
            ("postgres://shop@db.example.com/shop", SslMode::Require, Trust::Named),
            ("postgres://shop@localhost,db.example.com/shop", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=disable", SslMode::Disable, Trust::Any),
            ("postgres://shop@10.0.0.7/shop?connect_timeout=3&sslmode=prefer", SslMode::Prefer, Trust::Any),
            ("postgres://shop@localhost/shop?sslmode=require", SslMode::Require, Trust::Any),
            ("postgres://shop@localhost/shop?sslmode=require&sslrootcert=ca.pem", SslMode::Require, Trust::Signed),
            ("postgres://shop@localhost/shop?sslmode=verify-ca&connect_timeout=3", SslMode::Require, Trust::Signed),
            ("postgres://shop@localhost/shop?sslmode=verify-full", SslMode::Require, Trust::Named),
            ("postgres://shop@localhost/shop?sslrootcert=system", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=require&sslrootcert=system", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=verify-ca&sslrootcert=system", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=disable&sslrootcert=system", SslMode::Disable, Trust::Any),
        ] {
            let (rest, options) = without_tls(url);
            let config: Config = rest.parse().unwrap();
            let tls = Tls::of(options.mode.as_deref(), options.roots, config.get_hosts().iter().all(is_local)).unwrap();
            assert_eq!((tls.mode, tls.trust), (mode, trust), "{url}");
        }
        let system = Tls::of(None, Some("system".into()), false).unwrap();
        assert_eq!(system.roots, None);
        let address =
            Address::parse("postgres://shop@db.example.com/shop?sslmode=verify-full&sslrootcert=system").unwrap();
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.config.get_application_name(), Some("athm"));
    }

    #[test]
    fn roots_that_cannot_be_read_are_named() {
        let Err(error) = Address::parse("postgres://db.example.com/shop?sslrootcert=/nowhere/ca.pem") else {
            panic!("it was taken")
        };
        assert!(error.to_string().contains("sslrootcert=/nowhere/ca.pem"), "{error}");
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
