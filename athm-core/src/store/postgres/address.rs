//! Where the server is, and how it is spoken to.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{Tls, Trust};
use crate::store::StoreError;
use crate::util::text::causes;

/// How long making a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server's address, with what its certificate is checked against. Its password is shown nowhere.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        // The parser names what it doesn't understand, and repeats no value.
        let unusable = |reason: String| StoreError::Address { reason };
        let (rest, asked) = without_tls(url);
        let mut config: Config = rest.parse().map_err(|error| unusable(causes(&error)))?;
        let is_local =
            config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(|ip| ip.is_loopback());
        let tls = Tls::of(asked.mode.as_deref(), asked.roots, is_local).ok_or_else(|| {
            unusable(String::from("expected sslmode to be disable, prefer, require, verify-ca or verify-full"))
        })?;
        match tls.mode {
            _ if is_local => {}
            SslMode::Disable => {
                tracing::warn!("what goes to the database and back is not encrypted: sslmode=verify-full encrypts it");
            }
            _ if tls.trust == Trust::Anybody => {
                tracing::warn!("the database's certificate is not verified: sslmode=verify-full verifies it");
            }
            _ => {}
        }
        config.ssl_mode(tls.mode);
        if config.get_application_name().is_none() {
            config.application_name("athm");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        config.keepalives_idle(Duration::from_secs(15)).tcp_user_timeout(Duration::from_secs(30));
        Ok(Self { config, tls: MakeRustlsConnect::new(tls.config()?) })
    }
}

/// What the address says of TLS.
#[derive(Default)]
struct Asked {
    mode: Option<String>,
    roots: Option<PathBuf>,
}

/// The rest of the address, and what `libpq` knows and the driver doesn't.
fn without_tls(url: &str) -> (String, Asked) {
    let Some((server, query)) = url.split_once('?') else { return (url.to_owned(), Asked::default()) };
    let mut asked = Asked::default();
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match form_urlencoded::parse(pair.as_bytes()).next() {
            Some((name, value)) if name == "sslmode" => asked.mode = Some(value.into_owned()),
            Some((name, value)) if name == "sslrootcert" => asked.roots = Some(PathBuf::from(value.as_ref())),
            _ => rest.push(pair),
        }
    }
    (if rest.is_empty() { server.to_owned() } else { format!("{server}?{}", rest.join("&")) }, asked)
}

/// Nothing that is sent there leaves the machine.
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
            ("postgres://shop@localhost/shop", SslMode::Disable, Trust::Anybody),
            ("postgres://shop@127.0.0.1:5433/shop", SslMode::Disable, Trust::Anybody),
            ("postgresql://shop@[::1]/shop", SslMode::Disable, Trust::Anybody),
            ("postgres:///shop?host=/var/run/postgresql", SslMode::Disable, Trust::Anybody),
            ("postgres://shop@db.example.com/shop", SslMode::Require, Trust::Named),
            ("postgres://shop@localhost,db.example.com/shop", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=disable", SslMode::Disable, Trust::Anybody),
            ("postgres://shop@10.0.0.7/shop?connect_timeout=3&sslmode=prefer", SslMode::Prefer, Trust::Anybody),
            ("postgres://shop@localhost/shop?sslmode=require", SslMode::Require, Trust::Anybody),
            ("postgres://shop@localhost/shop?sslmode=require&sslrootcert=ca.pem", SslMode::Require, Trust::Signed),
            ("postgres://shop@localhost/shop?sslmode=verify-ca&connect_timeout=3", SslMode::Require, Trust::Signed),
            ("postgres://shop@localhost/shop?sslmode=verify-full", SslMode::Require, Trust::Named),
            ("postgres://shop@localhost/shop?sslrootcert=system", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=require&sslrootcert=system", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=verify-ca&sslrootcert=system", SslMode::Require, Trust::Named),
            ("postgres://shop@10.0.0.7/shop?sslmode=disable&sslrootcert=system", SslMode::Disable, Trust::Anybody),
        ] {
            let (rest, asked) = without_tls(url);
            let config: Config = rest.parse().unwrap();
            let tls = Tls::of(asked.mode.as_deref(), asked.roots, config.get_hosts().iter().all(is_local)).unwrap();
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
