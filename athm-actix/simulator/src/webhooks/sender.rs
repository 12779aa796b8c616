//! Sending.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;
use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore, crypto};

use super::outbox::Message;
use crate::shared::Shared;

/// How often it is looked whether there is something to tell: payments expire without anybody asking.
const EVERY: Duration = Duration::from_millis(10);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends what there is to tell, for as long as the server runs.
pub(crate) async fn run(shared: Arc<Shared>, client: Client) {
    loop {
        rt::time::sleep(EVERY).await;
        let due = due(&shared);
        if !due.is_empty() {
            rt::spawn(send(Arc::clone(&shared), client.clone(), due));
        }
    }
}

fn due(shared: &Shared) -> Vec<Message> {
    let (news, now) = {
        let mut ledger = shared.ledger();
        (ledger.take_news(), ledger.now())
    };
    let mut webhooks = shared.webhooks();
    for payment in news {
        webhooks.happened(&payment, &shared.settings().business, now);
    }
    webhooks.take_due(now)
}

/// One after the other, so that what was reordered comes in that order.
async fn send(shared: Arc<Shared>, client: Client, messages: Vec<Message>) {
    for Message { number, url, body } in messages {
        match client.post(url).json(&body).send().await {
            Ok(answer) => shared.webhooks().answered(number, answer.status().as_u16()),
            Err(error) => {
                // The address may end in a secret.
                let error = error.without_url();
                tracing::debug!(error = &error as &dyn std::error::Error, "a webhook wasn't answered");
            }
        }
    }
}

/// A client that reaches this machine alone: no proxy, no redirects, no names but `localhost`, no TLS.
pub(crate) fn client() -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    // reqwest wants a TLS library to be chosen, even for plain HTTP.
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
