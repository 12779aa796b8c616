//! Sends webhooks that are due.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;
use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore, crypto};

use crate::shared::Shared;
use crate::webhooks::OutgoingWebhook;

/// How often payments are checked for expiry and webhooks for being due.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends due webhooks until the server's thread ends.
pub(crate) async fn run(shared: Arc<Shared>, client: Client) {
    loop {
        rt::time::sleep(POLL_INTERVAL).await;
        let due = due(&shared);
        if !due.is_empty() {
            rt::spawn(send(Arc::clone(&shared), client.clone(), due));
        }
    }
}

fn due(shared: &Shared) -> Vec<OutgoingWebhook> {
    let (changes, now) = {
        let mut ledger = shared.ledger();
        (ledger.take_changes(), ledger.now())
    };
    let mut webhooks = shared.webhooks();
    for payment in changes {
        webhooks.notify(&payment, &shared.settings().business, now);
    }
    webhooks.take_due(now)
}

/// Sequential, so that reordered webhooks arrive in the intended order.
async fn send(shared: Arc<Shared>, client: Client, messages: Vec<OutgoingWebhook>) {
    for OutgoingWebhook { number, url, body } in messages {
        match client.post(url).json(&body).send().await {
            Ok(answer) => shared.webhooks().record_answer(number, answer.status().as_u16()),
            Err(error) => {
                // The path of the URL may contain a secret.
                let error = error.without_url();
                tracing::debug!(error = &error as &dyn std::error::Error, "the listener didn't answer a webhook");
            }
        }
    }
}

/// A client for loopback only: no proxy, no redirects, no name but `localhost`, no TLS.
pub(crate) fn client() -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    // reqwest requires a TLS library even for plain HTTP.
    let tls = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(TIMEOUT)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    Ok(client.build()?)
}
