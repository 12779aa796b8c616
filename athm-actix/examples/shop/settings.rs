//! What the environment says, and the provider that the shop talks to.

use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use actix_web::http::Uri;
use athm_actix::BoxError;
use athm_simulator::Simulator;

// Made up: the simulator takes any. Real tokens are not even read here, as nothing in this demo may move real money.
pub(crate) const PUBLIC_TOKEN: &str = "demo-public-token";
pub(crate) const PRIVATE_TOKEN: &str = "demo-private-token";

/// | variable | what | default |
/// |---|---|---|
/// | `PORT` | where the shop answers, on 127.0.0.1 | 8080 |
/// | `ATHM_DATABASE_URL` | athm's database; the shop's orders are kept beside it | `shop.db` in the target folder |
/// | `ATHM_API_URL` | a simulator that runs already | one of its own |
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) database_url: String,
    pub(crate) orders_file: PathBuf,
    api_url: Option<String>,
}

impl Settings {
    pub(crate) fn from_env() -> Result<Self, BoxError> {
        let port = variable("PORT").unwrap_or_else(|| String::from("8080"));
        let port = port.parse().map_err(|_| format!("PORT must be a number up to 65535, found {port:?}"))?;
        let api_url = variable("ATHM_API_URL").map(|url| on_loopback(&url)).transpose()?;
        let database_url = match variable("ATHM_DATABASE_URL") {
            Some(url) => url,
            None => format!("sqlite://{}", target_folder()?.join("shop.db").display()),
        };
        // Beside athm's database, so that the two are kept, moved and deleted together.
        let database = Path::new(database_url.strip_prefix("sqlite://").unwrap_or("shop.db"));
        Ok(Self { port, orders_file: database.with_extension("orders.json"), database_url, api_url })
    }

    /// The simulator that `ATHM_API_URL` names, or one of the demo's own.
    pub(crate) async fn provider(&self) -> Result<(Option<Simulator>, String), BoxError> {
        if let Some(url) = &self.api_url {
            return Ok((None, url.clone()));
        }
        let simulator = Simulator::builder().business_name("Colmado La Loma").start().await?;
        let url = simulator.url().to_owned();
        Ok((Some(simulator), url))
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Where cargo builds, whatever `CARGO_TARGET_DIR` says: the program itself is at `debug/examples/shop` in it.
fn target_folder() -> Result<PathBuf, BoxError> {
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(3).ok_or("set ATHM_DATABASE_URL: the program is in no target folder")?;
    fs::create_dir_all(folder)?;
    let here = env::current_dir()?;
    Ok(folder.strip_prefix(here).unwrap_or(folder).to_path_buf())
}

/// The address without its path. Nothing here may move real money, and the phone needs no password: only this machine.
fn on_loopback(url: &str) -> Result<String, BoxError> {
    let refused =
        || format!("ATHM_API_URL must be a simulator on this machine, as in http://127.0.0.1:9000, found {url:?}");
    let parsed: Uri = url.trim().parse().map_err(|_| refused())?;
    let authority = parsed.authority().filter(|_| parsed.scheme_str() == Some("http")).ok_or_else(refused)?;
    let ip = authority.host().trim_matches(['[', ']']).parse::<IpAddr>();
    let is_loopback = authority.host() == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
    if is_loopback && !authority.as_str().contains('@') {
        Ok(format!("http://{authority}"))
    } else {
        Err(refused().into())
    }
}

#[cfg(test)]
mod tests {
    use super::on_loopback;

    #[test]
    fn the_provider_is_on_this_machine_or_refused() {
        assert_eq!(on_loopback("http://127.0.0.1:9000/").unwrap(), "http://127.0.0.1:9000");
        assert_eq!(on_loopback("http://[::1]:9000").unwrap(), "http://[::1]:9000");
        assert_eq!(on_loopback("http://localhost").unwrap(), "http://localhost");
        for url in [
            "https://payments.athmovil.com",
            "http://10.0.0.1:9000",
            "http://127.0.0.1@shop.example",
            "http://user@127.0.0.1",
            "http://127.0.0.1.shop.example",
            "ftp://127.0.0.1",
            "127.0.0.1:9000",
            "/",
        ] {
            assert!(on_loopback(url).unwrap_err().to_string().contains("on this machine"), "{url}");
        }
    }
}
