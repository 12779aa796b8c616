//! Where webhooks are sent.

use std::net::IpAddr;

use reqwest::Url;

use super::Event;
use crate::error::SimulatorError;

/// A merchant's listener on this machine, and the events that it subscribed to.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(super) url: Url,
    events: Vec<Event>,
}

impl Subscription {
    /// # Errors
    ///
    /// [`SimulatorError::WebhookUrl`] unless the URL is on loopback.
    pub(crate) fn new(url: &str, events: Vec<Event>) -> Result<Self, SimulatorError> {
        let refused = || SimulatorError::WebhookUrl { url: url.to_owned() };
        let url: Url = url.parse().map_err(|_| refused())?;
        let is_loopback = url.host_str().is_some_and(|host| {
            let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        });
        if url.scheme() == "http" && is_loopback { Ok(Self { url, events }) } else { Err(refused()) }
    }

    pub(super) fn wants(&self, event: Event) -> bool {
        event == Event::Simulated || self.events.contains(&event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_urls_are_accepted() {
        for url in ["http://127.0.0.1:8080/athm/webhook", "http://localhost/a", "http://[::1]:9/"] {
            assert!(Subscription::new(url, Vec::new()).is_ok(), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "http://shop.example/",
            "http://10.0.0.1/",
            "http://127.0.0.1@shop.example/",
            "http://127.0.0.1.shop.example/",
            "ftp://127.0.0.1/",
            "/athm/webhook",
            "",
        ] {
            let error = Subscription::new(url, Vec::new()).unwrap_err();
            assert!(error.to_string().contains("this machine"), "{url}: {error}");
        }
    }
}
